"""A mail that would grow too long loses its last papers, but never its unsubscribe link."""

import re

import pytest

from digest.mail.message import DigestMessage
from digest.mail.shared import MOST_HTML
from digest.models import Paper
from tests.contract import check_digest, html_of, text_of, unsubscribe_url
from tests.digest.sent import html_part, mail_of, read_path, sent_digest
from tests.factories import make_paper, make_topic

pytestmark = pytest.mark.django_db

# As long as the columns allow, with four to six bytes of HTML for every character.
LONGEST = {
    "title": "&<>\"'" * 80,
    "abstract": "&\"'<>漢" * 5000,
    "authors": ["<&\"'>" * 40] * 664,
    "num_authors": 664,
    "organization": "&'\"<>" * 40,
    "code_url": "https://code.example/?" + "a&" * 280,
    "project_url": "https://project.example/?" + "a&" * 280,
}


def longest_papers(number: int) -> list[Paper]:
    addresses = [f"https://a.example/{place}?" + "b&" * 280 for place in range(number)]
    return [make_paper(**LONGEST, url=address) for address in addresses]


def papers_in(message: DigestMessage) -> list[int]:
    return [int(pk) for pk in re.findall(r"/(\d+)\?w=more", html_part(message))]


@pytest.mark.parametrize("is_weekly", [False, True])
def test_the_lowest_ranked_papers_are_left_to_the_web(is_weekly: bool) -> None:
    papers = longest_papers(20)
    digest = sent_digest(papers, topic=make_topic(name="<&'\"" * 15))
    message = mail_of(digest, is_weekly=is_weekly)
    shown = papers_in(message)
    assert 0 < len(shown) < 20

    raw = check_digest(message.message().as_bytes())

    assert shown == digest.paper_ids[: len(shown)]
    assert MOST_HTML * 0.7 < len(html_of(raw).encode()) <= MOST_HTML
    more = f"{20 - len(shown)} more on the web"
    assert f'href="https://news.example.org{read_path(digest)}"' in html_of(raw)
    assert [body.count(more) for body in (html_of(raw), text_of(raw))] == [1, 1]


def test_the_unsubscribe_link_is_kept() -> None:
    papers = longest_papers(20)

    raw = check_digest(mail_of(sent_digest(papers)).message().as_bytes())

    assert html_of(raw).count(unsubscribe_url(raw)) == 1
    assert html_of(raw).rstrip().endswith("</html>")


def test_an_ordinary_digest_of_twenty_is_not_trimmed() -> None:
    papers = [
        make_paper(title="A Title Of Some Length " * 5, abstract="A usual sentence. " * 80)
        for _ in range(20)
    ]
    message = mail_of(sent_digest(papers))

    assert len(papers_in(message)) == 20
    assert "more on the web" not in message.body


def test_strings_and_bytes_are_trimmed_alike() -> None:
    papers = longest_papers(20)
    message = mail_of(sent_digest(papers), is_weekly=True, is_first=True)

    raw = check_digest(message.message().as_bytes())

    assert html_of(raw).splitlines() == html_part(message).splitlines()
    assert text_of(raw).splitlines() == message.body.splitlines()
