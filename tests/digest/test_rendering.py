"""The mail as bytes, compared with what Django would have made of the same parts."""

from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any
from uuid import UUID

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from digest.models import Edition
from digest.press import Window, press_for
from digest.rendering import DigestMessage
from subscribers import links
from tests.contract import check_digest, html_of, text_of
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db

titles = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=200
).filter(lambda title: title == " ".join(title.split()))


def message_of(edition: Edition, **fields: Any) -> DigestMessage:
    papers = list(edition.candidates.order_by("id").values_list("paper_id", flat=True))
    usual = {
        "uuid": UUID(int=7),
        "subscriber_id": 1,
        "paper_ids": papers,
        "reason_codes": ["votes:0"] * len(papers),
        "now": timezone.now(),
    }
    window = Window(edition.pk, edition.date - timedelta(days=1))
    message = DigestMessage(press_for(window), **{**usual, **fields})
    message.to = ["reader@dest.example"]
    return message


def parsed(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def as_django_would(message: DigestMessage) -> EmailMessage:
    """The same parts, built by Django's own code."""
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
    """All but the time and the boundary; without the space that a fold at the start leaves."""
    passing = {"Date", "Content-Type"}
    return {(name, str(value).strip()) for name, value in message.items() if name not in passing}


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
def test_the_bytes_say_what_django_s_would(names: list[str], author: str) -> None:
    with transaction.atomic():  # an example's own rows, taken back after it
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


def test_a_card_says_who_where_when_and_how_much() -> None:
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


def test_a_title_cannot_turn_the_line_around() -> None:
    title = "Safe\u202efdp.exe" + "\u200b" * 50 + "Z" + "\u0300" * 300

    message = check_digest(message_of(make_edition([make_paper(title=title)])).message().as_bytes())

    assert str(message["Subject"]).startswith("Safefdp.exeZ")
    assert len(str(message["Subject"])) < 20


def test_the_reason_stands_beside_its_paper() -> None:
    topic = make_topic(name="Robots & <Arms>")
    edition = make_edition(1, fits={topic.pk: 1})

    message = check_digest(
        message_of(edition, reason_codes=[f"topic:{topic.pk}"]).message().as_bytes()
    )

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


def test_the_way_out_by_mail_stands_second(settings: Settings) -> None:
    settings.MAIL_UNSUBSCRIBE = "unsubscribe@news.example.org"

    message = check_digest(message_of(make_edition()).message().as_bytes())

    web, mail = str(message["List-Unsubscribe"]).split(", ")
    assert (web, mail) == (
        f"<{links.unsubscribe_url(1)}>",
        f"<mailto:{links.unsubscribe_address(1)}>",
    )
