"""A backup in the middle of a day, a restore after it, and what safe mode then makes of it."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from digest.delivery.limits.memory import GAP
from digest.delivery.run import deliver
from digest.models import Backup, Digest, Hold, Restoration
from subscribers.database import fetch
from subscribers.leaving import erasing, suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber, Suppression
from subscribers.wishes import preferences
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


@pytest.fixture(autouse=True)
def state(settings: Settings, tmp_path: Path) -> Path:
    settings.STATE_FOLDER = tmp_path / "state"
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def _nothing_aside() -> Iterator[None]:
    yield
    manage("restore", "--forget")


def manage(*arguments: str) -> str:
    said = StringIO()
    call_command(*arguments, stdout=said, stderr=said)
    return said.getvalue()


def send() -> None:
    for _ in range(3):
        deliver(seconds=60)


def due_again(*readers: Subscriber, days: int) -> None:
    """A day goes by: these readers are due, on a later date of theirs."""
    later = timezone.now().date() + timedelta(days=days)
    pks = [reader.pk for reader in readers]
    Subscriber.objects.filter(pk__in=pks).update(next_due_at=timezone.now(), next_due_on=later)


def mails(sink: Sink) -> Counter[str]:
    return Counter(message.recipients[0] for message in sink.messages)


def test_a_restore_sends_nobody_a_digest_twice_and_nobody_who_left(
    sink: Sink, tmp_path: Path
) -> None:
    make_edition()
    had, later = make_reader(), make_reader(next_due_at=timezone.now() + timedelta(hours=1))
    leaving = [make_reader(next_due_at=later.next_due_at) for _ in range(4)]
    left, gone, paused, spam = leaving
    send()
    said = manage("backup", str(tmp_path / "one.dump"))
    assert stat.S_IMODE(os.stat(tmp_path / "one.dump").st_mode) == 0o600
    assert "one.dump" in said

    due_again(later, *leaving, days=0)
    send()
    unsubscribe(left, Consent.Act.ONE_CLICK, timezone.now())
    erasing.erase(gone, timezone.now())
    preferences.pause_for_a_month(paused, timezone.now())
    suppression.suppress(spam.address_hash, Suppression.Reason.COMPLAINED, timezone.now())
    lost = make_reader()
    send()
    before = mails(sink)
    assert before.total() == 7

    said = manage("restore", str(tmp_path / "one.dump"), "--yes")
    assert "nothing is sent" in said
    send()
    assert mails(sink) == before
    assert "Safe mode" in Hold.objects.active().get().reason
    assert "--sent-until" in manage("after_restore")
    with pytest.raises(CommandError, match="digests went out until"):
        manage("after_restore", "--nothing-sent")
    manage("release")
    assert Hold.objects.active().exists()

    # Those who were due in the meantime are due again; nobody gets the lost reader's number.
    due_again(had, later, *leaving, days=0)
    said = manage("after_restore", "--sent-until", "now")
    send()
    assert mails(sink) == before
    assert "Safe mode has ended" in said
    assert dict(Digest.objects.values_list("subscriber_id", "state"))[later.pk] == State.ASSUMED
    assert make_reader(next_due_at=None).pk > lost.pk + GAP // 2

    due_again(had, later, *leaving, days=1)
    send()
    # The papers of the digest before the backup are remembered; what is assumed may come again.
    assert mails(sink) - before == Counter([later.email])
    assert Digest.objects.filter(subscriber=had).latest("local_date").skip_reason == "nothing_new"
    assert not Subscriber.objects.filter(pk=gone.pk).exists()
    assert Restoration.objects.get().signed_off == {
        "left": 1,
        "erased": 1,
        "paused": 1,
        "suppressed": 1,
    }
    assert left.email not in "".join(
        path.read_text() for path in (tmp_path / "state" / "sign-offs").iterdir()
    )


def test_a_restore_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    reader = make_reader()
    path = tmp_path / "one.dump"
    manage("backup", str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    make_reader()

    with pytest.raises(CommandError, match="Nothing was restored"):
        manage("restore", str(path), "--yes")

    assert Subscriber.objects.count() == 2
    assert Subscriber.objects.filter(pk=reader.pk).exists()
    assert fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before_restore%'") == []


def test_nothing_is_restored_under_somebody_who_is_connected(tmp_path: Path) -> None:
    path = tmp_path / "one.dump"
    manage("backup", str(path))
    options = {k: v for k, v in connection.get_connection_params().items() if k != "options"}

    with (
        psycopg.connect(**{**options, "cursor_factory": psycopg.Cursor}),
        pytest.raises(CommandError, match="Others are connected"),
    ):
        manage("restore", str(path), "--yes")


def test_the_newest_are_kept_and_the_database_knows_of_each(tmp_path: Path) -> None:
    for hour in range(3):
        (tmp_path / f"broadsheet-2026-11-27-0{hour}0000.dump").touch()
    (tmp_path / "mine.dump").touch()

    manage("backup", str(tmp_path), "--keep", "2")

    names = sorted(path.name for path in tmp_path.glob("*.dump"))
    assert names[0] == "broadsheet-2026-11-27-020000.dump"
    assert (len(names), names[2]) == (3, "mine.dump")
    assert Backup.objects.get().size
