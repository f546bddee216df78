"""A paper as the lists on pages show it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest
from django.urls import reverse

from digest.models import Curation, EditionPaper, Paper
from digest.papers.cards import PaperCard, best_topic, describe, slug_of
from subscribers.models import Topic


@dataclass(frozen=True, slots=True)
class ListedPaper:
    """A paper's id, its card, the path of its page, the topic it fits best, and its edition."""

    pk: int
    card: PaperCard
    path: str
    topic: Topic | None
    edition: date


def listed(
    candidates: Iterable[EditionPaper], topics: Mapping[int, Topic] | None = None
) -> list[ListedPaper]:
    """Return the candidates as a list shows them, in the same order.

    Topics take one query for the whole list, and what operators made of the papers another one. A
    page with several lists can pass the topics by id.
    """
    by_id: Mapping[int, Topic] = Topic.objects.in_bulk() if topics is None else topics
    candidates = list(candidates)
    curated = Curation.objects.of([candidate.paper_id for candidate in candidates])
    return [
        ListedPaper(
            pk=candidate.paper_id,
            card=describe(candidate, curated.get(candidate.paper_id), is_live=True),
            path=path_of(candidate.paper),
            topic=by_id.get(best_topic(candidate) or 0),
            edition=candidate.edition.date,
        )
        for candidate in candidates
    ]


def path_of(paper: Paper) -> str:
    """Return the path of the paper's public page."""
    return reverse("digest:paper", args=[paper.pk, slug_of(paper)])


def page_number(request: HttpRequest, most: int) -> int:
    """Return the requested page of a list, from 1 to `most`, or 1 if the address names none."""
    asked = request.GET.get("page", "")
    return max(1, min(int(asked), most)) if asked.isdecimal() and len(asked) < 4 else 1
