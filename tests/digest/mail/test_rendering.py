"""The mail as bytes, compared with what Django makes of the same parts."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import formataddr, parseaddr
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from digest.choosing.candidates import Window
from digest.mail.message import DigestMessage
from digest.mail.rendering import render
from digest.mail.shared import shared_parts
from digest.models import Edition
from subscribers import links
from tests.contract import check_digest, html_of, parsed, text_of
from tests.digest.sent import selection_of
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db

titles = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=200
).filter(lambda title: title == " ".join(title.split()))


def message_of(
    edition: Edition,
    *,
    subscriber_id: int = 1,
    reasons: Sequence[str] = (),
    is_weekly: bool = False,
) -> DigestMessage:
    """The mail with all papers of the edition."""
    papers = list(edition.candidates.order_by("id").values_list("paper_id", flat=True))
    window = Window(edition.pk, edition.date - timedelta(days=1))
    message = render(
        shared_parts(window),
        selection_of(window, papers, reasons or ["votes:0"] * len(papers)),
        uuid=UUID(int=7),
        subscriber_id=subscriber_id,
        now=timezone.now(),
        is_weekly=is_weekly,
    )
    message.to = ["reader@dest.example"]
    return message


def as_django_would(message: DigestMessage) -> EmailMessage:
    """The same parts, put together by Django."""
    plain = EmailMultiAlternatives(
        message.subject,
        message.body,
        message.from_email,
        message.to,
        reply_to=message.reply_to,
        headers=message.extra_headers,
    )
    plain.attach_alternative(message.alternatives[0].content, "text/html")
    return parsed(plain.message().as_bytes())


def headers_of(message: EmailMessage) -> set[tuple[str, str]]:
    """All headers but the date and the boundary, without the space that a fold may leave."""
    varying = {"Date", "Content-Type"}
    return {(name, str(value).strip()) for name, value in message.items() if name not in varying}


def assert_alike(ours: EmailMessage, theirs: EmailMessage) -> None:
    assert headers_of(ours) == headers_of(theirs)
    for body_of in (text_of, html_of):
        assert body_of(ours).splitlines() == body_of(theirs).splitlines()


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(titles, min_size=1, max_size=4), st.text("abcé漢🎉<>&\"' ", max_size=20))
def test_the_bytes_say_the_same_as_django_s(names: list[str], author: str) -> None:
    with transaction.atomic():  # each example rolls its rows back
        papers = [make_paper(title=name, authors=[author], num_authors=1) for name in names]
        message = message_of(make_edition(papers))
        transaction.set_rollback(True)

    assert_alike(parsed(message.message().as_bytes()), as_django_would(message))


def test_a_reply_address_is_kept(settings: Settings) -> None:
    settings.MAIL_REPLY_TO = "help@news.example.org"

    message = parsed(message_of(make_edition()).message().as_bytes())

    assert str(message["Reply-To"]) == "help@news.example.org"


HOSTILE = "<script>alert(1)</script> {{ 7*7 }} %recipient.name% *|X|* $\\mathcal{O}(n)$ a < b"


def test_a_hostile_title_is_shown_as_it_is() -> None:
    edition = make_edition([make_paper(title=HOSTILE)])

    message = check_digest(message_of(edition).message().as_bytes())

    assert "<script" not in html_of(message)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }} %recipient.name%" in html_of(message)
    assert "*|X|*" in text_of(message)
    assert "(n) a < b" in text_of(message)
    assert str(message["Subject"]).startswith("<script>alert(1)</script> {{ 7*7 }} %recip")


def test_the_longest_digest_stays_within_what_gmail_shows() -> None:
    papers = [
        make_paper(
            title="The Longest Title That A Paper May Have " * 10,
            abstract="Ein langer Satz mit Umlauten: äöüß. " * 200,
            authors=["Wolfeschlegelsteinhausenbergerdorff " * 4] * 664,
            num_authors=664,
            code_url="https://code.example/" + "x" * 500,
        )
        for _ in range(20)
    ]

    message = check_digest(message_of(make_edition(papers)).message().as_bytes())

    assert len(html_of(message).encode()) < 80_000


def test_the_links_go_straight_to_the_papers() -> None:
    edition = make_edition(3)

    html = html_of(check_digest(message_of(edition).message().as_bytes()))

    for url in edition.papers.values_list("url", flat=True):
        assert f'href="{url}"' in html


def test_each_paper_has_its_votes_and_its_page() -> None:
    edition = make_edition(3)
    token = links.monthly(1, timezone.now()).vote

    message = check_digest(message_of(edition).message().as_bytes())

    for paper in edition.papers.values_list("pk", flat=True):
        vote = f"https://news.example.org/v/{token}/{paper}"
        page = f"https://news.example.org/papers/{paper}/"
        for name, address in (("More", f"{vote}?w=more"), ("Less", f"{vote}?w=less")):
            assert f">{name} like this</a>" in html_of(message).partition(address)[2]
            assert f"{name} like this: {address}" in text_of(message).splitlines()
        assert html_of(message).count(f'href="{page}') == 1


def test_a_card_shows_authors_source_date_and_votes() -> None:
    paper = make_paper(
        authors=["Ada", "דוד", "Cy"],
        num_authors=664,
        organization="Institute of <Things>",
        published_at=datetime(2026, 11, 12, tzinfo=UTC),
        votes=1,
        code_url="https://code.example/x",
        abstract="It works. It is cheap.",
    )

    message = check_digest(message_of(make_edition([paper])).message().as_bytes())

    text = text_of(message)
    assert "Ada, דוד, Cy and 661 others" in text.splitlines()
    about = "Institute of <Things>, Hugging Face Daily Papers, 12 November 2026, 1 vote"
    assert about in text.splitlines()
    assert "Code: https://code.example/x" in text.splitlines()
    assert "It works. It is cheap." in text.splitlines()
    assert "<bdi>Institute of &lt;Things&gt;</bdi>" in html_of(message)


def test_a_title_cannot_reverse_the_line() -> None:
    title = "Safe\u202efdp.exe" + "\u200b" * 50 + "Z" + "\u0300" * 300

    message = check_digest(message_of(make_edition([make_paper(title=title)])).message().as_bytes())

    assert str(message["Subject"]).startswith("Safefdp.exeZ")
    assert len(str(message["Subject"])) < 20


def test_each_paper_has_its_reason() -> None:
    topic = make_topic(name="Robots & <Arms>")
    edition = make_edition(1, fits={topic.pk: 1})

    message = check_digest(message_of(edition, reasons=[f"topic:{topic.pk}"]).message().as_bytes())

    assert "You follow Robots &amp; &lt;Arms&gt;" in html_of(message)
    assert "You follow Robots & <Arms>" in text_of(message)


def test_the_subject_is_the_first_paper() -> None:
    edition = make_edition([make_paper(title="Alpha " * 30), make_paper(title="Beta")])

    message = check_digest(message_of(edition).message().as_bytes())

    assert str(message["Subject"]) == "Alpha " * 8 + "Alpha Alpha…"


def test_two_readers_have_links_of_their_own() -> None:
    edition = make_edition()

    first = check_digest(message_of(edition, subscriber_id=1).message().as_bytes())
    second = check_digest(message_of(edition, subscriber_id=2).message().as_bytes())

    assert str(first["List-Unsubscribe"]) == f"<{links.unsubscribe_url(1)}>"
    assert links.unsubscribe_url(1) not in html_of(second) + text_of(second)


# --- links ---------------------------------------------------------------------------------
def links_of(body: str) -> set[str]:
    """All addresses, without the punctuation that follows them in a sentence."""
    return {url.rstrip(".,;:)") for url in re.findall(r"https?://[^\s\"'<>]+", unescape(body))}


def test_both_parts_have_the_same_links_only_ours_and_the_papers() -> None:
    papers = [make_paper(code_url=f"https://code.example/{number}") for number in range(3)]

    message = check_digest(message_of(make_edition(papers)).message().as_bytes())

    text, html = links_of(text_of(message)), links_of(html_of(message))
    of_papers = {address for paper in papers for address in (paper.url, paper.code_url)}
    numbers = [paper.key.removeprefix("arxiv:") for paper in papers]
    of_papers |= {f"https://arxiv.org/pdf/{number}" for number in numbers}
    of_papers |= {f"https://huggingface.co/papers/{number}" for number in numbers}
    assert of_papers < text
    assert {url for url in html - text if "/papers/" not in url} == set()
    assert {url for url in text | html if not url.startswith("https://news.example.org")} == (
        of_papers
    )


def test_links_are_rewritten_only_if_clicks_are_tracked(settings: Settings) -> None:
    edition = make_edition(3)
    bodies = {}

    for settings.TRACK_CLICKS in (True, False):
        shared_parts.cache_clear()
        message = check_digest(message_of(edition).message().as_bytes())
        bodies[settings.TRACK_CLICKS] = text_of(message) + html_of(message)

    # In the text the paper and its PDF, in the HTML the title, "Read" and "PDF".
    assert (bodies[True].count("/k/"), bodies[False].count("/k/")) == (15, 0)
    for url in edition.papers.values_list("url", flat=True):
        assert (bodies[True].count(url), bodies[False].count(url)) == (0, 3)
    assert not re.search(r"<img|background=|url\(|@import|@font-face", bodies[False])


# --- missing facts -------------------------------------------------------------------------
def test_missing_facts_leave_no_gap() -> None:
    paper = make_paper(authors=[], num_authors=0, abstract="", organization="", code_url="")

    message = check_digest(message_of(make_edition([paper])).message().as_bytes())

    text, html = text_of(message), html_of(message)
    lines = text.partition(paper.title)[2].splitlines()
    assert "Hugging Face Daily Papers" in [line.strip() for line in lines]
    assert re.findall(r"\bNone\b|Code:|\band\s+others", text + html) == []
    assert re.findall(r"<(p|td|bdi|a)[^>]*>\s*</\1>", html) == []
    assert "\n\n\n" not in text.replace("\r\n", "\n")


# --- headers -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["Blätter für Ärzte", "論文の新聞", 'Papers, Daily: "All" <of it>']
)
def test_a_site_name_in_any_script_is_encoded_but_not_the_address_next_to_it(
    settings: Settings, name: str
) -> None:
    settings.SITE_NAME = name
    settings.DEFAULT_FROM_EMAIL = formataddr((name, "digest@news.example.org"))

    raw = message_of(make_edition()).message().as_bytes()

    message = check_digest(raw)
    assert message["From"].addresses[0].display_name == name
    assert message["From"].addresses[0].addr_spec == "digest@news.example.org"
    (line,) = re.findall(rb"(?m)^List-ID:((?:.*\r\n[ \t])*.*)\r$", raw)
    assert line.endswith(b"<daily.news.example.org>")
    encoded_name, address = parseaddr(line.decode())
    assert (str(make_header(decode_header(encoded_name))), address) == (
        name,
        "daily.news.example.org",
    )


@pytest.mark.parametrize("service", ["postmark", "resend", "brevo", "mailgun"])
def test_a_mail_service_s_api_gets_the_same_headers_once_each(
    settings: Settings, service: str
) -> None:
    settings.ANYMAIL = dict.fromkeys(KEYS, "test") | {"MAILGUN_SENDER_DOMAIN": "x.example"}
    backend: Any = get_connection(f"anymail.backends.{service}.EmailBackend")
    message = message_of(make_edition())
    wire = parsed(message.message().as_bytes())

    data = backend.build_message_payload(message, backend.send_defaults).data

    given = headers_given(data)
    names = [name.lower() for name, _ in given]
    assert len(names) == len(set(names))
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-ID", "Auto-Submitted"):
        assert [value for own, value in given if own.lower() == name.lower()] == [str(wire[name])]


KEYS = ["POSTMARK_SERVER_TOKEN", "RESEND_API_KEY", "BREVO_API_KEY", "MAILGUN_API_KEY"]


def headers_given(data: dict[str, Any]) -> list[tuple[str, str]]:
    """The headers in each service's format: a list, an object or form fields."""
    if "Headers" in data:
        return [(one["Name"], one["Value"]) for one in data["Headers"]]
    if "headers" in data:
        return list(data["headers"].items())
    return [(name[2:], value) for name, value in data.items() if name.startswith("h:")]


@pytest.mark.parametrize(
    "title",
    ["Über Ölmühlen " * 20, "論文の題名は長い" * 40, "🎉" * 200, 'Ünïcödé, with <signs> & "more"'],
)
def test_a_subject_in_any_script_survives_encoding_and_folding(title: str) -> None:
    message = message_of(make_edition([make_paper(title=title)]))

    raw = message.message().as_bytes()

    head = raw.partition(b"\r\n\r\n")[0]
    words = re.findall(rb"=\?utf-8\?[bq]\?[^?]*\?=", head, re.IGNORECASE)
    assert str(check_digest(raw)["Subject"]) == message.subject
    assert len(words) >= 1
    assert max(map(len, words)) <= 75, "RFC 2047 §2"
    assert head.isascii()


@pytest.mark.parametrize("between", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x00", "\x85"])
def test_a_title_cannot_inject_a_header(between: str) -> None:
    """Nor into the subject that a mail service's API gets."""
    paper = make_paper(title="One")
    paper.title = f"One{between}Bcc: evil@x.example"
    if between != "\x00":  # PostgreSQL cannot store it
        paper.save()

    message = message_of(make_edition([paper]))

    assert message.subject.isprintable()
    assert check_digest(message.message().as_bytes())["Bcc"] is None


def test_list_unsubscribe_names_the_mail_address_second(settings: Settings) -> None:
    settings.MAIL_UNSUBSCRIBE = "unsubscribe@news.example.org"

    message = check_digest(message_of(make_edition()).message().as_bytes())

    web, mail = str(message["List-Unsubscribe"]).split(", ")
    assert (web, mail) == (
        f"<{links.unsubscribe_url(1)}>",
        f"<mailto:{links.unsubscribe_address(links.unsubscribe_token(1))}>",
    )
