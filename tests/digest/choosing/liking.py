"""Papers that readers pick or bring, and the votes made from them."""

import re
from collections.abc import Sequence

from django.test import Client
from django.utils import timezone

from digest.models import Paper, Vote
from subscribers import links
from subscribers.models import Subscriber
from tests.factories import make_edition, make_paper

TITLE = "Looking things up while writing {}"


def path_of(reader: Subscriber) -> str:
    links.ensure([reader], timezone.now())
    return f"/p/{links.monthly(reader.pk, timezone.now()).preferences}/papers"


def library_of(papers: Sequence[Paper]) -> list[Paper]:
    make_edition(papers)
    return list(papers)


def titled(*numbers: int) -> list[Paper]:
    """Papers in a closed edition, the first with the most votes."""
    return library_of(
        [
            make_paper(
                title=TITLE.format(number),
                title_key=f"lookingthingsupwhilewriting{number}",
                votes=99 - number,
            )
            for number in numbers
        ]
    )


def votes() -> list[tuple[int, int, str]]:
    return list(Vote.objects.order_by("paper_id").values_list("paper_id", "value", "origin"))


def boxes(html: str) -> dict[int, bool]:
    """The papers on the page, and whether their boxes are ticked."""
    found = re.findall(r'name="paper" value="(\d+)"( checked)?>', html)
    return {int(paper_id): bool(ticked) for paper_id, ticked in found}


def shown(client: Client, path: str) -> dict[int, bool]:
    answer = client.get(path)
    assert (answer.status_code, answer.cookies) == (200, {})
    return boxes(answer.content.decode())


def bibtex(*papers: Paper) -> str:
    return "\n".join(f"@misc{{a{paper.pk}, title = {{{paper.title}}}}}" for paper in papers)
