"""“Why did she not get it?” and “when does it come?”, in one sentence each."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings

from digest.models import Digest, Edition, Event, Heartbeat, Hold
from subscribers.models import Subscriber, Suppression
from tests.clock import settable
from tests.digest.desk.editions.operators import operator
from tests.factories import make_digest, make_edition, make_reader

pytestmark = pytest.mark.django_db

# Nine o'clock in the morning in Berlin.
NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
TODAY = date(2026, 11, 27)
SEVEN = datetime(2026, 11, 27, 6, tzinfo=UTC)
NEXT = {"next_due_at": SEVEN + timedelta(days=1), "next_due_on": TODAY + timedelta(days=1)}
_ON_TIME = {"due_at": SEVEN, "handed_over_at": SEVEN + timedelta(minutes=1), "local_date": TODAY}


@pytest.fixture(autouse=True)
def _at_nine(settings: Settings) -> Any:
    settings.EDITION_CLOSES_HOUR = 4
    with settable(NOW):
        Heartbeat.beat(Heartbeat.TICK)
        yield


def berliner(**fields: Any) -> Subscriber:
    return make_reader(**{"zone": "Europe/Berlin", "confirmed_at": NOW, **NEXT, **fields})


def said_of(reader: Subscriber, *, language: str = "en") -> list[str]:
    """The sentences at the top of the reader's page."""
    client = operator("subscribers.view_subscriber")
    page = client.get(f"/admin/people/{reader.pk}/", headers={"Accept-Language": language})
    return [str(page.context["last"].words), str(page.context["next"].words)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"state": "skipped", "skip_reason": "thin"},
            "Today’s digest: not sent at 07:00, because fewer than 3 papers fit; they wait for the "
            "next digest.",
        ),
        (
            {"state": "skipped", "skip_reason": "held"},
            "Today’s digest: not sent at 07:00, because the day’s edition was held.",
        ),
        (
            {"state": "sent"},
            "Today’s digest: got it at 07:01: the mail service took it, and nothing came back.",
        ),
        ({"state": "delivered"}, "Today’s digest: got it at 07:01; it has arrived."),
        (
            {"state": "failed", "error": "550 no such user"},
            "Today’s digest: did not go out at 07:01, because the mail service refused it: 550 no "
            "such user",
        ),
        (
            {"state": "uncertain"},
            "Today’s digest: may have gone out at 07:01, nobody knows. Unless the mail service "
            "says something, it counts as sent from ",
        ),
        ({"state": "ready"}, "Today’s digest: due since 07:00; a worker takes it next."),
        (
            {
                "state": "ready",
                "attempts": 2,
                "error": "timed out",
                "next_attempt_at": NOW.replace(minute=30),
            },
            "Today’s digest: due since 07:00; the last try failed (timed out), the next is at "
            "09:30.",
        ),
        (
            {"state": "ready", "lease_until": NOW.replace(minute=1)},
            "Today’s digest: due since 07:00; a worker has it in hand.",
        ),
        (
            {"state": "sent", "local_date": date(2026, 11, 24)},
            "Digest of Tuesday, 24 November: got it at Friday, 27 November, 07:01",
        ),
    ],
)
def test_the_page_says_in_a_sentence_what_became_of_the_last_digest(
    fields: dict[str, Any], words: str
) -> None:
    reader = berliner()
    make_digest(make_edition(3, day=TODAY), reader, **{**_ON_TIME, **fields})

    last, following = said_of(reader)

    assert last.startswith(words)
    assert following == "Next: tomorrow, Saturday, 07:00 Berlin time."


def test_every_state_and_every_reason_has_words() -> None:
    reader, edition = berliner(), make_edition(3, day=TODAY)
    digest = make_digest(edition, reader, **_ON_TIME)
    found = set()

    for state in Digest.State.values:
        Digest.objects.filter(pk=digest.pk).update(state=state, skip_reason="")
        found.add(said_of(reader)[0])
    for reason in Digest.SkipReason.values:
        Digest.objects.filter(pk=digest.pk).update(state="skipped", skip_reason=reason)
        found.add(said_of(reader)[0])

    assert len(found) == len(Digest.State) + len(Digest.SkipReason)
    assert not any("%(" in words for words in found)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "pending"}, "Next: none, because the address has not been confirmed."),
        (
            {"state": "unsubscribed", "unsubscribed_at": SEVEN},
            "Next: none, because the reader unsubscribed on Friday, 27 November.",
        ),
        (
            {
                "paused_until": date(2026, 12, 3),
                "next_due_at": datetime(2026, 12, 3, 6, tzinfo=UTC),
            },
            "Next: Thursday, 3 December, 07:00 Berlin time, because the reader has paused it until "
            "Thursday, 3 December.",
        ),
    ],
)
def test_the_page_says_when_the_next_digest_comes_or_why_none_does(
    fields: dict[str, Any], words: str
) -> None:
    last, following = said_of(berliner(**fields))

    assert (last, following) == ("No digest has been due yet.", words)


def test_a_suppressed_address_gets_none() -> None:
    reader = berliner()
    Suppression.objects.create(address_hash=reader.address_hash, reason="bounced", created_at=SEVEN)

    assert said_of(reader)[1] == (
        "Next: none, because the address has been suppressed since Friday, 27 November: mail to it "
        "bounced for good."
    )


def test_what_holds_all_sending_is_the_reason() -> None:
    reader = berliner()
    make_digest(make_edition(3, day=TODAY), reader, **{**_ON_TIME, "handed_over_at": None})
    Hold.objects.create(mail_service="", reason="The account is closed.")

    assert said_of(reader)[0] == (
        "Today’s digest: due since 07:00; sending is held: The account is closed."
    )


def test_a_digest_waits_for_its_edition_and_one_not_planned_for_the_tick() -> None:
    reader = berliner()
    digest = make_digest(None, reader, local_date=TODAY, due_at=SEVEN)
    Digest.objects.filter(pk=digest.pk).update(next_attempt_at=NOW.replace(hour=20))
    waiting = "Today’s digest: due since 07:00; it waits for its edition"

    assert said_of(reader)[0] == f"{waiting} to close, until 21:00 at most."
    Edition.objects.create(date=TODAY, hold_rule="thin", held_at=NOW, hold_reason="2 papers")
    assert said_of(reader)[0] == f"{waiting}, which is held, until 21:00 at most."

    late = berliner(next_due_at=SEVEN, next_due_on=TODAY)
    assert said_of(late) == [
        "Today’s digest: due since 07:00; it is planned at the next tick.",
        "Next: as soon as what is due has been planned.",
    ]
    Heartbeat.objects.update(at=Now() - timedelta(hours=1))
    assert said_of(late)[0].endswith("nothing is sent, because the clock does not tick.")


def test_the_mail_service_s_words_are_those_of_its_latest_event_and_hide_addresses() -> None:
    reader = berliner(email="ada@dest.example")
    digest = make_digest(make_edition(3, day=TODAY), reader, **{**_ON_TIME, "state": "bounced"})
    Event.objects.create(
        dedupe_key="1",
        kind="bounced",
        digest=digest,
        mail_service="smtp",
        reject_reason="bounced",
        detail="<ada@dest.example> no such user",
        at=NOW,
    )

    words = said_of(reader)[0]
    assert words.startswith("Today’s digest: handed over at 07:01, but it bounced: bounced <")
    assert words.endswith("no such user")
    assert "dest.example" not in words


def test_the_answer_is_in_the_operator_s_language() -> None:
    reader = berliner()
    thin = {**_ON_TIME, "state": "skipped", "skip_reason": "thin"}
    make_digest(make_edition(3, day=TODAY), reader, **thin)

    assert said_of(reader, language="de") == [
        "Der heutige Digest: um 07:00 nicht verschickt, weil weniger als 3 Paper passten; sie "
        "warten auf den nächsten Digest.",
        "Der nächste: morgen, Samstag, 07:00 Uhr (Ortszeit Berlin).",
    ]


def test_who_may_see_no_readers_sees_no_page(client: Client) -> None:
    reader = berliner()
    paths = ("/admin/people/", f"/admin/people/{reader.pk}/")

    assert [operator().get(path).status_code for path in paths] == [403, 403]
    assert [client.get(path).status_code for path in paths] == [302, 302]
