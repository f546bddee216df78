"""What a card, a weekly digest and the end of a mail say, and where they lead."""

import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from digest.choosing.candidates import Window
from digest.mail.rendering import render
from digest.mail.shared import shared_parts
from tests.contract import check_digest, html_of, text_of
from tests.digest.mail.test_rendering import message_of
from tests.digest.sent import selection_of
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        ({}, ["Read", "PDF", "Discuss"]),
        (
            {"code_url": "https://c.example/x", "project_url": "https://p.example/x"},
            ["Read", "PDF", "Code", "Project", "Discuss"],
        ),
        # The page with the code is no page of its own.
        (
            {"code_url": "https://c.example/x", "project_url": "https://c.example/x/"},
            ["Read", "PDF", "Code", "Discuss"],
        ),
        # Nobody has listed it on Hugging Face.
        ({"first_source": "arxiv"}, ["Read", "PDF"]),
        ({"first_source": "arxiv", "votes": 3}, ["Read", "PDF", "Discuss"]),
        ({"key": "url:lab.example/x", "url": "https://lab.example/x"}, ["Read"]),
        ({"key": "url:lab.example/x", "url": ""}, []),
        (
            {"key": "url:openreview.net/abcDEF", "url": "https://openreview.net/forum?id=abcDEF"},
            ["Read", "PDF"],
        ),
    ],
)
def test_a_card_leads_to_all_that_there_is_of_the_paper(
    facts: dict[str, Any], names: list[str]
) -> None:
    message = check_digest(message_of(make_edition([make_paper(**facts)])).message().as_bytes())

    row = re.search(r'<p class="links".*?</p>', html_of(message))
    assert re.findall(r">([^<>]+)</a>", row[0] if row else "") == names
    for name in set(names) - {"Read"}:
        assert f"{name}: http" in text_of(message)


def test_the_title_looks_like_a_link() -> None:
    html = html_of(check_digest(message_of(make_edition(1)).message().as_bytes()))

    (style,) = re.findall(r'<h2 class="title"[^>]*><a [^>]*style="([^"]*)"', html)
    assert "text-decoration: underline" in style


@pytest.mark.parametrize(
    ("days", "is_weekly", "words", "place"),
    [
        (1, False, "3 more papers today", "/archive/2026-11-23"),
        (1, True, "3 more papers this week", "/archive/2026-11-23"),
        (4, False, "3 more papers since your last digest", "/archive"),
    ],
)
def test_the_end_says_how_many_papers_are_left(
    days: int, is_weekly: bool, words: str, place: str
) -> None:
    edition = make_edition(5, day=date(2026, 11, 23))
    papers = list(edition.candidates.values_list("paper_id", flat=True))[:2]
    window = Window(edition.pk, edition.date - timedelta(days=days))

    message = render(
        shared_parts(window),
        selection_of(window, papers, ["votes:0"] * 2),
        uuid=UUID(int=7),
        subscriber_id=1,
        now=timezone.now(),
        is_weekly=is_weekly,
    )

    html = str(message.alternatives[0].content)
    assert f'<a href="https://news.example.org{place}"' in html
    assert words in html
    assert f"{words}:\nhttps://news.example.org{place}\n" in message.body


def test_a_weekly_digest_does_not_repeat_its_headings_as_reasons() -> None:
    topic = make_topic(name="Robots")
    papers = [make_paper(title=f"Title {number}") for number in range(4)]
    edition = make_edition(papers, fits={topic.pk: 1})
    codes = [f"topic:{topic.pk}", "pinned", "keyword:arms", "topic:999999"]
    bodies = {}

    for is_weekly in (False, True):
        message = message_of(edition, reasons=codes, is_weekly=is_weekly)
        bodies[is_weekly] = html_of(check_digest(message.message().as_bytes())), message.body

    for html, text in (bodies[False], bodies[True]):
        assert html.count("You follow “arms”") == text.count("You follow “arms”.") == 1
        assert html.count("You follow this topic") == 1
    for body in bodies[False]:
        assert (body.count("You follow Robots"), body.count("Chosen by the editor")) == (1, 1)
    for body in bodies[True]:
        assert (body.count("You follow Robots"), body.count("Chosen by the editor")) == (0, 1)
    assert "\n\n\n" not in bodies[True][1]
