"""How the first digest and weekly digests introduce themselves, and in which language."""

import re

import pytest
from django.utils import translation

from digest.mail.message import DigestMessage
from tests.contract import check_digest, html_of, text_of
from tests.digest.sent import edition_of, html_part, mail_of, sent_digest
from tests.factories import make_paper, make_topic

pytestmark = pytest.mark.django_db


def intro_of(message: DigestMessage) -> str:
    match = re.search(r'<p class="intro"[^>]*>([^<]*)</p>', html_part(message))
    assert match
    return match.group(1)


def test_the_first_digest_welcomes_the_reader() -> None:
    digest = sent_digest()
    assert "Welcome" not in mail_of(digest).body

    raw = check_digest(mail_of(digest, is_first=True).message().as_bytes())

    welcome = (
        "Welcome! Here is your first digest: 3 papers chosen for you from 3. "
        "From now on it comes at the time you asked for."
    )
    assert [body.count(welcome) for body in (html_of(raw), text_of(raw))] == [1, 1]


def test_the_preheader_of_the_first_digest_welcomes_the_reader() -> None:
    digest = sent_digest([make_paper(title=title) for title in ("One", "Two", "Three", "Four")])

    html = html_of(check_digest(mail_of(digest, is_first=True).message().as_bytes()))

    assert re.findall(r'<div class="preheader"[^>]*>([^<]*)<', html) == ["Welcome! · Two · Three"]


def test_a_weekly_digest_groups_papers_by_topic_starting_with_the_best_paper_s() -> None:
    robots, search = make_topic(name="Robots & Arms"), make_topic(name="Search")
    papers = [make_paper(title=f"Title {number}") for number in range(5)]
    codes = [f"topic:{robots.pk}", f"topic:{search.pk}", "votes:3", f"topic:{robots.pk}", "votes:0"]
    digest = sent_digest(papers, topic=search, reasons=codes)
    edition_of(digest).candidates.filter(paper=papers[4]).update(fits={})

    raw = check_digest(mail_of(digest, is_weekly=True).message().as_bytes())

    headings = r"^(?:={76}\n(?!\n)(.+)|(Title \d))$"
    order = ["".join(found) for found in re.findall(headings, plain(text_of(raw)), re.MULTILINE)]
    assert order == [
        *("Robots & Arms", "Title 0", "Title 3"),
        *("Search", "Title 1", "Title 2"),
        *("More for you", "Title 4"),
    ]
    assert re.findall(r'<h2 class="topic"[^>]*>([^<]*)<', html_of(raw)) == [
        "Robots &amp; Arms",
        "Search",
        "More for you",
    ]


def test_a_daily_digest_has_no_topic_headings() -> None:
    html = html_part(mail_of(sent_digest()))

    assert (html.count('class="topic"'), html.count("<h2")) == (0, 3)


def test_a_weekly_digest_speaks_of_the_week() -> None:
    assert intro_of(mail_of(sent_digest(), is_weekly=True)) == (
        "3 papers chosen for you from this week’s 3"
    )


def test_a_mail_names_its_language() -> None:
    digest = sent_digest()
    with translation.override("en"):
        message = mail_of(digest, language="de")

    raw = check_digest(message.message().as_bytes())

    assert raw["Content-Language"] == "de"
    assert re.findall(r'<html lang="(\w+)"', html_of(raw)) == ["de"]


def test_dates_in_a_mail_are_in_its_language() -> None:
    digest = sent_digest()

    months = {"en": f"{edition_of(digest).date:%B}"}
    with translation.override("de"):
        months["de"] = translation.gettext(months["en"])

    for language, month in months.items():
        assert mail_of(digest, language=language).body.splitlines()[1].count(month) == 1


def plain(text: str) -> str:
    return text.replace("\r\n", "\n")
