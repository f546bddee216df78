"""A mail server that takes every message and never says so: the doubt must not go on for ever."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from pytest_django import Settings

from digest.delivery import handover
from digest.delivery.run import deliver
from digest.models import Digest, Hold
from tests.factories import make_digest, make_edition, make_reader
from tests.smtp_sink import Sink, accept

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
READERS = 120


def number_in(*states: str) -> int:
    return Digest.objects.filter(state__in=states).count()


def time_passes() -> None:
    """Holds for a while end, and what waited for its next attempt may go."""
    Hold.objects.filter(until__gt=Now()).update(until=Now())
    Digest.objects.filter(next_attempt_at__gt=Now()).update(next_attempt_at=Now())


def test_a_server_that_leaves_every_mail_in_doubt_is_left_alone(sink: Sink) -> None:
    make_edition()
    for _ in range(READERS):
        make_reader()
    sink.on_data = sink.accept_and_hang_up

    deliver(seconds=60)

    # Three on each of the two connections.
    assert number_in(State.UNCERTAIN) <= 6
    hold = Hold.objects.active().earliest("id")
    assert hold.until is not None
    assert "3 messages in a row were left in doubt" in hold.reason

    for _ in range(10):
        time_passes()
        deliver(seconds=60)

    # Twenty, and one for each connection of each sender; a chunk may be under way on the other.
    assert number_in(State.UNCERTAIN) <= 24 + 6
    assert Hold.objects.active().filter(until=None).count() == 1
    assert number_in(State.READY) + number_in(State.UNCERTAIN) == READERS


def test_a_server_that_broke_off_for_a_moment_gets_the_rest_later(sink: Sink) -> None:
    make_edition()
    for _ in range(READERS):
        make_reader()
    sink.on_data = sink.accept_and_hang_up
    deliver(seconds=60)
    left = number_in(State.UNCERTAIN)

    sink.on_data = accept
    time_passes()
    deliver(seconds=60)

    assert (number_in(State.SENT), number_in(State.UNCERTAIN)) == (READERS - left, left)
    assert not Hold.objects.active().exists()


def test_one_at_a_time_the_doubt_is_noticed_too(sink: Sink, settings: Settings) -> None:
    settings.DELIVERY_CHUNK, settings.MAIL_CONNECTIONS, settings.SENDERS = 1, 1, 1
    settings.BREAKER_DOUBT_IN_A_ROW = 4
    make_edition()
    for _ in range(20):
        make_reader()
    sink.on_data = sink.accept_and_hang_up

    deliver(seconds=60)

    assert number_in(State.UNCERTAIN) == 5
    assert Hold.objects.active().get().until is None


def test_whoever_may_have_got_nothing_is_listed_without_an_address() -> None:
    edition = make_edition()
    at = {"handed_over_at": Now(), "mail_service": "smtp"}
    doubtful = [
        make_digest(edition, make_reader(), state=state, error="Lost", **at)
        for state in (State.UNCERTAIN, State.ASSUMED)
    ]
    others = [make_digest(edition, make_reader(), state=State.SENT, **at)]
    old = make_digest(edition, make_reader(), state=State.ASSUMED, **at)
    Digest.objects.filter(pk=old.pk).update(handed_over_at=Now() - timedelta(days=9))

    listed = output_of("list_doubtful")

    lines = listed.splitlines()
    assert [line.split("\t")[0] for line in lines] == [str(one.uuid) for one in doubtful]
    assert f"\t{edition.date}\tuncertain\tsmtp\t" in lines[0]
    assert "@" not in listed
    assert not any(str(one.uuid) in listed for one in (*others, old))
    assert len(output_of("list_doubtful", "--days", "30").splitlines()) == 3


def test_a_send_by_hand_says_how_many_are_in_doubt() -> None:
    make_digest(
        make_edition(), make_reader(), state=State.ASSUMED, handed_over_at=Now(), mail_service="x"
    )

    assert "1 in doubt or assumed sent in the last 7 days" in output_of("send_due")


def output_of(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_dead_worker_s_doubt_holds_nothing() -> None:
    for _ in range(40):
        make_digest(
            make_edition() if not Digest.objects.exists() else Digest.objects.all()[0].edition,
            make_reader(),
            state=State.SENDING,
            mail_service="smtp",
            handed_over_at=Now(),
            lease_until=Now() - timedelta(seconds=1),
        )

    handover.sweep(doubt=timedelta(hours=1))
    deliver(seconds=5)

    assert (number_in(State.UNCERTAIN), Hold.objects.filter(until=None).count()) == (40, 0)
