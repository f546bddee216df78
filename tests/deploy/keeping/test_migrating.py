"""A migration behind an open transaction, such as that of a backup, keeps no writer waiting."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from deploy.keeping import migrating
from deploy.keeping.migrating import Blocked
from digest.models import Hold
from subscribers.database import execute, fetch

pytestmark = pytest.mark.django_db(transaction=True)

LOCK_SECONDS = 0.3


@contextmanager
def another() -> Iterator[psycopg.Connection[Any]]:
    parameters = {k: v for k, v in connection.get_connection_params().items() if k != "options"}
    with psycopg.connect(**{**parameters, "cursor_factory": psycopg.Cursor}) as opened:
        yield opened


def alter() -> None:
    execute("ALTER TABLE digest_hold ADD COLUMN IF NOT EXISTS more int")


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    yield
    execute("ALTER TABLE digest_hold DROP COLUMN IF EXISTS more")


def test_writers_wait_no_longer_than_the_lock_time_out() -> None:
    told: list[str] = []
    waits: list[float] = []
    is_over = threading.Event()

    def write() -> None:
        with another() as writer:
            writer.autocommit = True
            while not is_over.is_set():
                began = time.monotonic()
                writer.execute("UPDATE digest_hold SET reason = 'why'")
                waits.append(time.monotonic() - began)
                time.sleep(0.01)

    with another() as dump:
        dump.execute("SELECT * FROM digest_hold")  # and its transaction stays open

        def tell(words: str) -> None:
            told.append(words)
            if len(told) == 2:
                dump.rollback()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            migrating.migrate_patiently(alter, tell, lock_seconds=LOCK_SECONDS, pause=0.1)
        finally:
            is_over.set()
            writer.join()

    assert "open transactions of" in told[0]
    # Some waited behind it, and none for long: the slack is for a busy machine.
    assert LOCK_SECONDS / 2 < max(waits) < LOCK_SECONDS + 2
    assert fetch("SHOW lock_timeout") == [("0",)]


def test_it_gives_up_in_words_and_leaves_nothing_half_done() -> None:
    with another() as dump:
        dump.execute("SELECT * FROM digest_hold")
        with pytest.raises(Blocked, match="Nothing is half done"):
            migrating.migrate_patiently(
                alter, lambda _: None, lock_seconds=0.05, attempts=2, pause=0.01
            )

    assert Hold.objects.count() == 0


def test_our_own_migrate_is_the_patient_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def blocked(*_: Any, **options: Any) -> None:
        raise Blocked(f"after {options['attempts']}")

    monkeypatch.setattr(migrating, "migrate_patiently", blocked)

    with pytest.raises(CommandError, match="after 7"):
        call_command("migrate", "--lock-attempts", "7")
