"""Readers who leave, or whose mailbox does, while a run goes on: by the page, over real SMTP."""

import base64
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from urllib.parse import urlsplit

import pytest
from aiosmtpd.smtp import Envelope
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.models import Digest, Hold
from subscribers import addresses, links
from subscribers.models import Subscriber
from tests.contract import check_digest
from tests.factories import make_digest, make_edition, make_reader
from tests.smtp_sink import Sink, accept

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
DAY = timedelta(days=1)


def readers(number: int) -> list[Subscriber]:
    made = [make_reader() for _ in range(number)]
    links.ensure(made, timezone.now())
    return made


def one_click(client: Client, *leaving: Subscriber) -> None:
    for reader in leaving:
        path = urlsplit(links.unsubscribe_url(reader.pk)).path
        assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200


def outcomes() -> dict[str, tuple[str, str]]:
    """State and reason of each reader's digest, by address."""
    rows = Digest.objects.values_list("subscriber__email", "state", "skip_reason")
    return {email: (state, reason) for email, state, reason in rows}


def recipients(sink: Sink) -> list[str]:
    return [recipient for message in sink.messages for recipient in message.recipients]


def test_who_leaves_while_their_mail_waits_for_hours_gets_none(client: Client, sink: Sink) -> None:
    make_edition()
    leaves, stays = readers(2)
    Hold.objects.create(mail_service="", reason="The quota of the day is used up")
    plan.plan_due()
    deliver(seconds=60)
    assert outcomes() == {leaves.email: (State.READY, ""), stays.email: (State.READY, "")}

    one_click(client, leaves)
    Hold.objects.update(released_at=Now())
    deliver(seconds=60)

    assert recipients(sink) == [stays.email]
    assert outcomes()[leaves.email] == (State.SKIPPED, Digest.SkipReason.UNSUBSCRIBED)


def test_who_leaves_during_the_run_gets_none_of_what_is_left_of_it(
    client: Client, sink: Sink, settings: Settings
) -> None:
    """The batch is leased as a whole; what counts is asked again for each chunk."""
    settings.DELIVERY_CHUNK, settings.MAIL_CONNECTIONS = 1, 1
    make_edition()
    everybody = readers(6)
    plan.plan_due()

    def all_others_leave(envelope: Envelope) -> str:
        if not sink.messages:
            others = [r for r in everybody if r.email not in envelope.rcpt_tos]
            in_a_thread(one_click, client, *others)
        return accept(envelope)

    sink.on_data = all_others_leave
    deliver(seconds=60)

    assert len(recipients(sink)) == 1
    left = (State.SKIPPED, Digest.SkipReason.UNSUBSCRIBED)
    assert Counter(outcomes().values()) == {(State.SENT, ""): 1, left: 5}


def in_a_thread(act: Callable[..., object], *arguments: object) -> None:
    """As another process would: with a connection to the database of its own."""

    def run() -> None:
        try:
            act(*arguments)
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()


def test_who_leaves_while_the_mail_is_on_its_way_gets_that_one_and_no_other(
    client: Client, sink: Sink
) -> None:
    today = timezone.now().date()
    edition = make_edition(day=today)
    (reader,) = readers(1)
    plan.plan_due()

    def leave(envelope: Envelope) -> str:
        in_a_thread(one_click, client, reader)
        return accept(envelope)

    sink.on_data = leave
    deliver(seconds=60)
    assert (len(sink.messages), Digest.objects.get().edition) == (1, edition)

    make_edition(day=today + DAY)
    planned = plan.plan_due() + plan.plan_early()
    deliver(seconds=60)

    assert (planned, len(sink.messages)) == (0, 1)
    assert Digest.objects.get().state == State.SENT


def test_a_bounce_during_the_run_keeps_back_what_waits_and_leaves_what_was_sent(
    client: Client, sink: Sink, settings: Settings
) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": "us:secret"}
    gone, stays = readers(2)
    earlier = make_edition(day=timezone.now().date() - DAY)
    sent = make_digest(earlier, gone, state=State.SENT)
    make_edition()
    plan.plan_due()

    answer = client.post(
        "/webhooks/postmark/tracking/",
        {
            "RecordType": "Bounce",
            "ID": 1,
            "Type": "HardBounce",
            "MessageID": "1",
            "Metadata": {"digest": str(sent.uuid)},
            "Email": gone.email,
            "BouncedAt": "2026-11-22T07:00:00Z",
        },
        content_type="application/json",
        headers={"Authorization": "Basic " + base64.b64encode(b"us:secret").decode()},
    )
    deliver(seconds=60)

    sent.refresh_from_db()
    waiting = Digest.objects.get(subscriber=gone, local_date__gt=earlier.date)
    assert (answer.status_code, sent.state) == (200, State.BOUNCED)
    assert (waiting.state, waiting.skip_reason) == (State.SKIPPED, Digest.SkipReason.SUPPRESSED)
    assert recipients(sink) == [stays.email]


# --- the address in the row, just before it is used ----------------------------------------
@pytest.mark.parametrize(
    "email",
    [
        "a@x.example, e@y.example",
        '"n" <a@x.example>, e@y.example',
        "a@x.example\r\nBcc: e@y.example",
        "a@x.example\nBcc: e@y.example",
        "A Name <a@x.example>",
        "a@x.example\x85e@y.example",
        "a@x.example\u2028e@y.example",
        "",
    ],
)
def test_a_row_that_holds_no_plain_address_gets_nothing_and_holds_up_nobody(
    sink: Sink, email: str
) -> None:
    make_edition()
    good, bad, late = readers(3)
    Subscriber.objects.filter(pk=bad.pk).update(email=email)
    plan.plan_due()

    deliver(seconds=60)

    assert sorted(recipients(sink)) == sorted([good.email, late.email])
    assert Digest.objects.get(subscriber=bad).state == State.FAILED


@pytest.mark.parametrize(
    ("entered", "envelope"),
    [
        ("o'neil@dest.example", "o'neil@dest.example"),
        ("Ada.L+news@dest.example", "Ada.L+news@dest.example"),
        ("a!b#c$d%e&f*g/h=i?j^k`l{m|n}o~p@dest.example", None),
        ("reader@bücher.example", "reader@xn--bcher-kva.example"),
    ],
)
def test_an_unusual_address_is_written_to_as_it_is(
    sink: Sink, entered: str, envelope: str | None
) -> None:
    make_edition()
    reader = make_reader(email=addresses.parse(entered).deliver_to)
    plan.plan_due()

    deliver(seconds=60)

    assert recipients(sink) == [envelope or entered] == [reader.email]
    message = check_digest(sink.messages[0].content)
    assert [to.addr_spec for to in message["To"].addresses] == [reader.email]
