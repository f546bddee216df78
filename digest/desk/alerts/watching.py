"""Looks every half minute and tells what has changed, until it is stopped."""

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation

from digest.desk.today import attention, standing

from . import telling
from .memory import Memory

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
FILE, LOCK = "alerts.json", "alerts.lock"
# A database that does not answer must not keep us from saying so.
_CONNECT_SECONDS = 5
_LIMIT = "SET LOCAL statement_timeout = 10000"


def watch(is_over: Callable[[], bool], *, every: timedelta = EVERY) -> None:
    """Look and tell until `is_over`. What goes wrong in one round is logged, and the next begins.

    One process a host: a second one that has the same STATE_FOLDER waits until the first ends.
    """
    _be_impatient()
    with _only_one(is_over), connection.execute_wrapper(_in_time):
        memory = _read()
        while not is_over():
            began = time.monotonic()
            try:
                look(memory, datetime.now(UTC))
            except Exception:
                logger.exception("A look at how things stand failed.")
            _sleep(every.total_seconds() - (time.monotonic() - began), is_over)


def look(memory: Memory, now: datetime) -> None:
    """Look once, tell what has changed, and keep what was told. Never raises for a server that is
    down."""
    with translation.override(settings.LANGUAGE_CODE):
        found = standing.look_anyway()
        for one in memory.see(attention.troubles(found), now):
            if one.is_over:
                logger.warning("Well again: %s", one.words)
            else:
                logger.error("Needs a person: %s %s", one.words, one.advice)
        _write(memory)  # if telling is cut short, it is told again rather than never
        ways = list(telling.ways())
        for news in memory.news(ways):
            if telling.tell(news):
                memory.note_told(news)
        memory.forget_told(ways)
    _write(memory)


def _be_impatient() -> None:
    """Have this process's connection to the database fail soon."""
    connection.settings_dict.setdefault("OPTIONS", {})["connect_timeout"] = _CONNECT_SECONDS
    connection.close()


def _in_time(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
    """Run a statement that PostgreSQL ends if it takes too long. Set for this one, because a pooler
    gives others the session."""
    if sql == _LIMIT:
        return execute(sql, *arguments)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LIMIT)
        return execute(sql, *arguments)


def _sleep(seconds: float, is_over: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not is_over() and time.monotonic() < end:
        time.sleep(0.5)


# --- the file ------------------------------------------------------------------------------
def _read() -> Memory:
    """What this host has told before. A file that cannot be read counts as none."""
    if settings.STATE_FOLDER is None:
        return Memory()
    try:
        return Memory.load((settings.STATE_FOLDER / FILE).read_text())
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, TypeError, KeyError):
        logger.exception("What operators have been told cannot be read.")
        return Memory()


def _write(memory: Memory) -> None:
    """Replace the file. On a full disk, it is kept in memory alone."""
    folder: Path | None = settings.STATE_FOLDER
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f"{FILE}.new"  # nobody else writes it (`_only_one`)
        fresh.touch(mode=0o600)
        fresh.write_text(memory.dump())
        fresh.replace(folder / FILE)
    except OSError as error:
        logger.error("What operators have been told cannot be kept: %s", type(error).__name__)


@contextmanager
def _only_one(is_over: Callable[[], bool]) -> Iterator[None]:
    """Wait until no other process on this host watches, then keep others from it."""
    folder: Path | None = settings.STATE_FOLDER
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        while not is_over():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _sleep(EVERY.total_seconds(), is_over)
        yield
