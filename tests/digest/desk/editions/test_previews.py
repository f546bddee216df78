"""A preview is the mail that is then sent, and shows nobody's links."""

import re
from datetime import timedelta
from email.message import EmailMessage
from hashlib import sha256
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.desk.editions import candidates, previews, samples, steering
from digest.desk.editions.previews import Preview
from digest.models import Digest, Edition, Hold, Paper, SampleMail
from digest.papers import editions
from subscribers import links
from subscribers.models import Link, Subscriber, Suppression, Topic
from tests.contract import html_of, parsed, text_of
from tests.digest.desk.editions.operators import operator
from tests.factories import make_edition, make_paper, make_reader, make_topic
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

PREVIEW, TEST = "digest.preview_edition", "digest.test_edition"


@pytest.fixture(autouse=True)
def _closing_hour_has_come(settings: Settings) -> None:
    settings.EDITION_CLOSES_HOUR = 0


@pytest.fixture
def topic() -> Topic:
    return make_topic(name="Boats", seed_terms=["walruses"])


@pytest.fixture
def reader(topic: Topic) -> Subscriber:
    return make_reader(topic, email="ada@dest.example", length=5)


@pytest.fixture
def waiting(topic: Topic) -> list[Paper]:
    """Papers of an edition that has not closed, one of them annotated and pinned."""
    papers = [make_paper(title=f"Walruses number {n}", votes=n) for n in range(8)]
    steering.pin(papers[2], None)
    steering.annotate(papers[2], None, note="Read this first.")
    return papers


def preview_of(reader: Subscriber, *, shows_address: bool = True) -> Preview:
    now = timezone.now()
    issue = candidates.issue_of(now.date(), now)
    assert issue
    return previews.preview(reader, issue, now, shows_address=shows_address)


def without_secrets(reader: Subscriber, text: str) -> str:
    now = timezone.now()
    for token in (*links.monthly(reader.pk, now), links.unsubscribe_token(reader.pk)):
        text = text.replace(token, "x" * len(token))
    return text.replace("\r\n", "\n")


def headers_of(message: EmailMessage) -> dict[str, str]:
    varying = {"Message-ID", "Date"}
    return {name: str(value) for name, value in message.items() if name not in varying}


def send() -> None:
    plan.plan_due()
    deliver(seconds=60)


@pytest.mark.parametrize("frequency", ["daily", "weekly"])
@pytest.mark.parametrize("tracks", [False, True])
def test_a_preview_of_an_open_edition_is_the_mail_that_is_then_sent(
    sink: Sink,
    reader: Subscriber,
    waiting: list[Paper],
    frequency: str,
    tracks: bool,
    settings: Settings,
) -> None:
    settings.TRACK_CLICKS = tracks
    Subscriber.objects.update(frequency=frequency)
    before = preview_of(reader)
    assert not Edition.objects.exists()

    editions.close(timezone.now().date(), now=timezone.now())
    closed = preview_of(reader)
    send()

    message = parsed(sink.messages[0].content)
    digest = Digest.objects.get()
    sent = without_secrets(reader, html_of(message)).replace(digest.uuid.hex, "x" * 32)
    for preview in (before, closed, preview_of(reader)):
        assert preview.html.replace("\r\n", "\n") == sent
        assert preview.text == without_secrets(reader, text_of(message)).replace(
            digest.uuid.hex, "x" * 32
        )
        assert preview.subject == message["Subject"]
        assert preview.html_size == len(html_of(message).replace("\r\n", "\n").encode())
        assert abs(preview.size - len(sink.messages[0].content)) < 3
        raw = {name: re.sub(r"\s+", " ", value) for name, value in preview.headers}
        shown = headers_of(message)
        assert {name: raw[name] for name in ("To", "From", "Feedback-ID")} == {
            name: shown[name] for name in ("To", "From", "Feedback-ID")
        }
        assert set(shown) <= set(raw)
        assert preview.papers[0].reason == "Chosen by the editor"
        assert preview.papers[1].parts[0][0] == "Topics you follow"
    assert preview_of(reader).sent_at == digest.handed_over_at


def test_what_was_sent_is_shown_as_it_was_also_later(
    sink: Sink, reader: Subscriber, topic: Topic
) -> None:
    yesterday = make_edition(5, day=timezone.now().date() - timedelta(days=1), fits={topic.pk: 1})
    plan.plan_early()
    deliver(seconds=60)
    first = yesterday.candidates.first()
    assert first
    steering.annotate(first.paper, None, note="Came later.")
    make_edition(5, fits={topic.pk: 1})

    now = timezone.now()
    issue = candidates.issue_of(yesterday.date, now)
    assert issue
    preview = previews.preview(reader, issue, now, shows_address=True)

    message = parsed(sink.messages[0].content)
    assert preview.html.replace("\r\n", "\n") == without_secrets(reader, html_of(message))
    assert "Came later." not in preview.html
    new = previews.preview(make_reader(topic), issue, now, shows_address=True)
    assert "Came later." in new.html


def test_who_gets_no_mail_sees_why(reader: Subscriber, waiting: list[Paper]) -> None:
    stranger = make_reader(make_topic(name="Other"))
    Suppression.objects.create(
        address_hash=reader.address_hash, reason=Suppression.Reason.COMPLAINED
    )

    assert preview_of(stranger).skip_reason == Digest.SkipReason.NO_MATCH
    assert preview_of(reader).why_not == Digest.SkipReason.SUPPRESSED
    assert preview_of(reader).papers


# --- the page ------------------------------------------------------------------------------
def path(name: str, reader: Subscriber | None = None) -> str:
    day = timezone.now().date().isoformat()
    return reverse(f"admin:digest_edition_{name}", args=[day]) + (
        f"?reader={reader.pk}" if reader else ""
    )


@pytest.mark.parametrize("generation", [0, 2])
def test_the_page_masks_addresses_and_shows_no_link_that_works(
    reader: Subscriber, waiting: list[Paper], generation: int
) -> None:
    reader.links_generation = generation
    reader.save()
    links.ensure([reader], timezone.now())
    stored = set(Link.objects.filter(subscriber=reader).values_list("token_hash", flat=True))
    client, sees = operator(PREVIEW), operator(PREVIEW, "subscribers.view_addresses")

    for url in (path("preview", reader), path("preview_mail", reader), path("preview")):
        page = client.get(url, secure=True).content.decode()
        words = re.findall(r"[\w-]{20,}", page)
        assert not [one for one in words if sha256(one.encode()).hexdigest() in stored], url
        assert reader.email not in page
    assert "a***@dest.example" in client.get(path("preview", reader), secure=True).content.decode()
    assert "ada@dest.example" in sees.get(path("preview", reader), secure=True).content.decode()


def test_the_mail_is_framed_without_power(
    admin_client: Client, reader: Subscriber, waiting: list[Paper]
) -> None:
    page = admin_client.get(path("preview", reader), secure=True)
    mail = admin_client.get(path("preview_mail", reader), secure=True)

    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert re.search(r'<iframe [^>]*sandbox src="', page.content.decode())
    policy = mail["Content-Security-Policy"].split("; ")
    for part in ("default-src 'none'", "sandbox", "frame-ancestors 'self'", "form-action 'none'"):
        assert part in policy, part
    assert not [part for part in policy if part.startswith("script-src")]
    assert mail["X-Frame-Options"] == "SAMEORIGIN"


def test_a_reader_is_found_by_address_which_then_stands_in_no_address_of_a_page(
    admin_client: Client, reader: Subscriber, waiting: list[Paper]
) -> None:
    for words in ("Ada@Dest.example", str(reader.pk)):
        answer = admin_client.post(path("preview_find"), {"reader": words}, secure=True)
        assert answer["Location"] == path("preview", reader)
    for words in ("nobody@dest.example", "x", "9" * 30, ""):
        answer = admin_client.post(path("preview_find"), {"reader": words}, secure=True)
        assert answer["Location"] == path("preview")
    assert admin_client.get(path("preview_find"), secure=True).status_code == 405
    for asked in ("x", "99999999", "9" * 40):
        url = f"{path('preview')}?reader={asked}"
        assert admin_client.get(url, secure=True).status_code == 404


def test_previews_and_test_mails_need_their_permissions(
    reader: Subscriber, waiting: list[Paper]
) -> None:
    fields = {"reader": str(reader.pk), "to": "me@dest.example", "key": str(uuid4())}
    for client in (operator("digest.view_edition"), operator(TEST), operator(PREVIEW)):
        assert client.post(path("preview_test"), fields, secure=True).status_code == 403
    for name in ("preview", "preview_mail"):
        assert operator(TEST).get(path(name, reader), secure=True).status_code == 403
    assert operator(TEST).post(path("preview_find"), fields, secure=True).status_code == 403
    page = operator(PREVIEW).get(path("preview", reader), secure=True).content.decode()
    assert "test mail" not in page


# --- test mails ----------------------------------------------------------------------------
def test_a_test_mail_says_so_and_has_no_link_that_works(
    sink: Sink, reader: Subscriber, waiting: list[Paper], client: Client
) -> None:
    gone = make_reader(email="gone@dest.example")
    Suppression.objects.create(address_hash=gone.address_hash, reason=Suppression.Reason.BOUNCED)
    may, key = operator(PREVIEW, TEST), str(uuid4())
    fields = {
        "reader": str(reader.pk),
        "to": "me@dest.example, you@dest.example\nme@dest.example gone@dest.example",
        "key": key,
    }

    pages = [
        may.post(path("preview_test"), fields, secure=True, follow=True).content.decode()
        for _ in range(2)
    ]

    assert "The mail service accepted it: me@dest.example" in pages[0]
    assert "The address is suppressed: gone@dest.example" in pages[0]
    assert "These test mails have been sent already." in pages[1]
    to = [one.recipients[0] for one in sink.messages]
    assert to == ["me@dest.example", "you@dest.example"]
    message = parsed(sink.messages[0].content)
    assert message["Subject"] == f"[Test] {preview_of(reader).subject}"
    assert message["List-Unsubscribe"] is None
    assert message["List-Unsubscribe-Post"] is None
    raw = sink.messages[0].content.decode().replace("=\r\n", "")
    now = timezone.now()
    tokens = [*links.monthly(reader.pk, now), links.unsubscribe_token(reader.pk)]
    assert not [token for token in (*tokens, reader.email) if token in raw]
    (way_out,) = set(re.findall(r"/u/x+", html_of(message)))
    client.post(way_out, {"List-Unsubscribe": "One-Click"}, secure=True)
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    assert not Digest.objects.exists()
    assert SampleMail.objects.get().number == 3


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("", "Name 1 to 10 addresses."),
        (" ".join(f"r{n}@dest.example" for n in range(11)), "Name 1 to 10 addresses."),
        ("me@dest.example nonsense", "nonsense is not an email address."),
    ],
)
def test_what_is_no_list_of_addresses_is_refused(to: str, said: str) -> None:
    with pytest.raises(samples.SampleError, match=said):
        samples.addresses_in(to)


def test_test_mails_go_by_the_rules_of_all_mail(
    sink: Sink, reader: Subscriber, waiting: list[Paper], settings: Settings
) -> None:
    to, preview = ["me@dest.example", "you@dest.example"], preview_of(reader)
    settings.MAIL_PER_DAY = {"": 1}
    tried = samples.send(preview, to, uuid4(), None)
    assert [one.is_sent for one in tried] == [True, False]

    sink.on_rcpt = lambda _: "550 5.1.1 no such user"
    settings.MAIL_PER_DAY = {}
    (refused,) = samples.send(preview, ["me@dest.example"], uuid4(), None)
    assert "no such user" in refused.words

    Hold.objects.create(reason="Paused")
    with pytest.raises(samples.SampleError, match="held"):
        samples.send(preview, to, uuid4(), None)
    with pytest.raises(samples.SampleError, match="no digest"):
        samples.send(preview_of(make_reader(make_topic())), to, uuid4(), None)
    assert len(sink.messages) == 1
