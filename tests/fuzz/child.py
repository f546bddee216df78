"""Parsers that run in a process with hard limits, so that a loop in C code is caught, too.

The parent sends the name of a parser and an input, and waits. Run as a program, this module is the
child: it knows no database.
"""

import resource
import sys
from collections.abc import Callable
from multiprocessing.connection import Client, Connection, Listener
from subprocess import Popen
from typing import Any

import django
import psutil

# What any input may take: seconds of CPU, because other tests run beside these, and memory.
SECONDS = 5.0
MEGABYTES = 300
# Of an input that waits instead of computing.
_LONGEST_WAIT = 120


class Overdue(AssertionError):
    """The parser did not answer in time."""


class Child:
    """One process with the parsers in it. Starts a new one after an input that ended it."""

    def __init__(self) -> None:
        self._listener = Listener(("127.0.0.1", 0), authkey=b"fuzz")
        self._process: Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._listener.close()

    def run(self, parser: str, given: bytes | str) -> str:
        """What the parser said: "read", or the name of the error with which it refuses input.

        Raises AssertionError for any other error, `Overdue` after `SECONDS`.
        """
        connection = self._running()
        connection.send((parser, given))
        self._wait(connection, parser)
        try:
            said = connection.recv()
        except EOFError as error:
            self._end()
            raise AssertionError(f"{parser} ended its process") from error
        assert not said.startswith("!"), said
        return str(said)

    def _wait(self, connection: "Connection[Any, Any]", parser: str) -> None:
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        before = sum(process.cpu_times()[:2])
        for _ in range(_LONGEST_WAIT * 4):
            if connection.poll(0.25):
                return
            if sum(process.cpu_times()[:2]) - before > SECONDS:
                break
        self._end()
        raise Overdue(f"{parser} takes more than {SECONDS} s")

    def _running(self) -> "Connection[Any, Any]":
        if self._connection is None:
            port = str(self._listener.address[1])
            self._process = Popen([sys.executable, "-m", "tests.fuzz.child", port])
            self._connection = self._listener.accept()
        return self._connection

    def _end(self) -> None:
        if self._connection is not None and self._process is not None:
            self._connection.close()
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None


def _parsers() -> tuple[dict[str, Callable[[Any], object]], tuple[type[Exception], ...]]:
    """The parsers by name, and the errors by which they may refuse what they get."""
    from digest.readers import bibliography  # noqa: PLC0415  # after django.setup()
    from digest.sources import latex, notices, text  # noqa: PLC0415
    from digest.sources.arxiv import Arxiv  # noqa: PLC0415
    from digest.sources.authors import names_in  # noqa: PLC0415
    from digest.sources.base import SourceError  # noqa: PLC0415
    from digest.sources.feed import Feeds  # noqa: PLC0415
    from digest.sources.huggingface import HuggingFace  # noqa: PLC0415
    from digest.sources.markup import html  # noqa: PLC0415
    from subscribers.addresses import InvalidAddress, parse  # noqa: PLC0415

    parsers: dict[str, Callable[[Any], object]] = {
        "latex": latex.plain,
        "for ever": lambda given: any(iter(bool, True)),  # a loop in C
        "markup": html.plain,
        "text": lambda given: text.clean(given, 5000),
        "authors": lambda given: list(names_in([given])),
        "notice": lambda given: notices.is_withdrawn(given, given, given),
        "time": text.read_time,
        "address": parse,
        "library": lambda given: list(bibliography.read(given).references),
        "feed": lambda given: Feeds(["https://a.example/feed"]).parse(given),
        "arxiv": lambda given: Arxiv(["cs.LG"]).parse(given),
        "huggingface": lambda given: HuggingFace().parse(given),
    }
    return parsers, (SourceError, bibliography.Unreadable, InvalidAddress)


def _serve(port: int) -> None:
    django.setup()
    parsers, refusals = _parsers()
    with Client(("127.0.0.1", port), authkey=b"fuzz") as parent:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        while True:
            try:
                name, given = parent.recv()
            except EOFError:
                return
            try:
                parsers[name](given)
                said = "read"
            except refusals as error:
                said = type(error).__name__
            except Exception as error:
                said = f"!{name}: {type(error).__name__}: {error}"
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            if peak - used > MEGABYTES:
                said = f"!{name} took {peak - used} MB"
            parent.send(said)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
