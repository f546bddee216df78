"""A database that does not remember what was sent: sending starts held."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now
from pytest_django import Settings

from deploy.env import database as database_of
from digest.checks import check_database
from digest.delivery import plan
from digest.delivery.limits import memory
from digest.delivery.run import deliver
from digest.models import Digest, Hold, LastSending
from subscribers.database import execute, fetch
from subscribers.models import Subscriber
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.STATE_FOLDER = tmp_path / "state"
    return tmp_path / "state"


def send_to(number: int) -> None:
    make_edition()
    for _ in range(number):
        make_reader()
    plan.plan_due()
    deliver(seconds=60)


def restore() -> None:
    """The database as it was an hour ago, before the digests were sent."""
    Digest.objects.update(state=State.READY, handed_over_at=None, attempts=0, next_attempt_at=Now())
    LastSending.objects.update(at=LastSending.objects.get().at - HOUR)


# --- what is committed is on the disk ------------------------------------------------------
@pytest.fixture
def asynchronous() -> Iterator[None]:
    """A database and a role with asynchronous commit, on a server that has it as well."""
    name = connection.settings_dict["NAME"]
    execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    execute("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
    connection.close()
    yield
    execute(f'ALTER DATABASE "{name}" RESET synchronous_commit')
    execute("ALTER ROLE CURRENT_USER RESET synchronous_commit")


@pytest.mark.usefixtures("asynchronous")
def test_our_sessions_commit_synchronously_whatever_the_server_says(settings: Settings) -> None:
    options = {k: v for k, v in connection.get_connection_params().items() if k != "options"}
    with psycopg.connect(**{**options, "cursor_factory": psycopg.Cursor}) as plain:
        theirs = plain.execute("SHOW synchronous_commit").fetchone()

    assert (theirs, fetch("SHOW synchronous_commit")) == (("off",), [("on",)])


def test_options_in_the_url_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_URL", "postgresql://u@h/d?options=-c%20search_path%3Dnews")

    said = database_of("SOME_URL", session={"synchronous_commit": "on"}, client={})
    assert said["OPTIONS"] == {"options": "-c search_path=news -c synchronous_commit=on"}


def test_nothing_is_sent_by_a_session_that_commits_asynchronously(sink: Sink) -> None:
    execute("SET synchronous_commit = off")
    try:
        send_to(2)
        deliver(seconds=60)
    finally:
        execute("RESET synchronous_commit")

    hold = Hold.objects.get()
    assert (sink.messages, hold.mail_service, hold.until) == ([], "", None)
    assert "synchronous_commit is off" in hold.reason


def test_the_check_warns_of_a_server_that_may_lose_what_it_committed() -> None:
    # The server of the tests has fsync and full_page_writes switched off.
    assert [(one.id, "fsync" in one.msg) for one in check_database()] == [("broadsheet.W004", True)]


def test_the_check_finds_a_session_that_commits_asynchronously() -> None:
    execute("SET synchronous_commit = off")
    try:
        found = [one.id for one in check_database()]
    finally:
        execute("RESET synchronous_commit")

    assert "broadsheet.E004" in found


# --- a restored database -------------------------------------------------------------------
def test_a_restored_database_is_held_and_sends_nothing_twice(sink: Sink) -> None:
    send_to(3)
    restore()

    for _ in range(3):
        deliver(seconds=60)

    hold = Hold.objects.get()
    assert len(sink.messages) == 3
    assert (hold.mail_service, hold.until) == ("", None)
    assert hold.reason.startswith("Safe mode: this database is older than what was sent")
    assert "manage.py after_restore" in hold.reason


def test_an_empty_database_beside_a_mark_is_held(sink: Sink, folder: Path) -> None:
    folder.mkdir()
    (folder / memory.FILE).write_text(datetime.now(UTC).isoformat())

    send_to(1)

    assert (sink.messages, Hold.objects.count()) == ([], 1)


def test_another_hosts_older_mark_does_not_hold_again(
    sink: Sink, folder: Path, settings: Settings
) -> None:
    send_to(1)
    elsewhere = folder.parent / "elsewhere"
    folder.rename(elsewhere)
    send_more()
    restore()
    deliver(seconds=60)
    Hold.objects.update(released_at=datetime.now(UTC))

    settings.STATE_FOLDER = elsewhere
    deliver(seconds=60)

    assert Hold.objects.count() == 1


def send_more() -> None:
    make_reader()
    deliver(seconds=60)


def test_run_after_run_nothing_is_held(sink: Sink) -> None:
    send_to(2)
    send_more()
    send_more()

    assert (len(sink.messages), Hold.objects.count()) == (4, 0)


@pytest.mark.parametrize("content", ["", "yesterday", "\0\0"])
def test_a_broken_mark_proves_nothing(sink: Sink, folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / memory.FILE).write_text(content)

    send_to(1)

    assert (len(sink.messages), Hold.objects.count()) == (1, 0)
    assert (
        datetime.fromisoformat((folder / memory.FILE).read_text()) == LastSending.objects.get().at
    )


def test_a_mark_that_cannot_be_written_stops_nothing(
    sink: Sink, folder: Path, settings: Settings
) -> None:
    folder.write_text("a file where the folder should be")

    send_to(1)

    assert (len(sink.messages), Hold.objects.count()) == (1, 0)


def test_a_run_notes_twice_not_for_each_digest(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    monkeypatch.setattr(memory, "_write", lambda *what: written.append(what))

    send_to(120)

    assert (len(sink.messages), len(written)) == (120, 2)  # when it begins, and when it ends


def test_a_run_with_nothing_to_send_notes_nothing(folder: Path) -> None:
    deliver(seconds=60)

    assert not (folder / memory.FILE).exists()
    assert Subscriber.objects.count() == 0
