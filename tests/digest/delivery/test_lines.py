"""Servers that refuse single connections, or end them after a number of messages."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from threading import Thread
from typing import Any

import pytest
from pytest_django import Settings

from digest.delivery.run import deliver
from digest.models import BackOff, Digest, Hold
from subscribers.models import Subscriber
from tests.chaos.mail import sink
from tests.chaos.mail.ledger import Ledger
from tests.chaos.mail.sink import Conversation, Orders, Pace
from tests.factories import build_reader, make_edition

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


class Server(Ledger):
    """An SMTP server with PIPELINING that keeps its ledger in memory.

    It is told which connections to turn away at their greeting, by number, and how many messages
    to take over each; the next one is answered with `goodbye` at MAIL, and the line is closed.
    """

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.connections = 0
        self.open = 0
        self.is_unwelcome: Callable[[int], bool] = lambda number: False
        self.messages_each = 10**9
        self.pipelines = True
        self.goodbye = b"421 4.7.0 too many messages on this connection\r\n"

    def add(self, recipient: str, content: bytes, fate: str) -> None:
        self.recipients.append(recipient)


class Line(Conversation):
    def __init__(self, server: Server) -> None:
        super().__init__(sink.Server(Orders(), server, Pace(1e9), Random(1), server.pipelines))
        self._told = server
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._number = self._told.connections
        self._told.connections += 1
        self._told.open += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._told.open -= 1

    def _is_turned_away(self) -> bool:
        # Asked at the greeting, and at MAIL with the command in the buffer already consumed.
        if not self._taken:
            return self._told.is_unwelcome(self._number)
        return self._taken >= self._told.messages_each

    def _hang_up(self, word: bytes) -> None:
        super()._hang_up(self._told.goodbye if word.startswith(b"421") else word)


@contextmanager
def running(server: Server, line: type["Line"] = Line) -> Iterator[int]:
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(loop.create_server(lambda: line(server), "127.0.0.1", 0))
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.close()


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    server = Server()
    with running(server) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
        settings.MAIL_CONNECTIONS = 4
        settings.DELIVERY_CHUNK = 10
        yield server


def send_to(number: int, domain: str = "dest.example") -> None:
    make_edition()
    Subscriber.objects.bulk_create(
        build_reader(email=f"r{place}@{domain}") for place in range(number)
    )
    deliver(seconds=60)


def states() -> Counter[str]:
    return Counter(Digest.objects.values_list("state", flat=True))


def test_every_fourth_connection_is_refused_and_the_service_is_not_held(server: Server) -> None:
    server.is_unwelcome = lambda number: number % 4 == 3

    send_to(400)

    assert (states(), Hold.objects.count()) == ({State.SENT: 400}, 0)
    assert len(server.recipients) == len(set(server.recipients)) == 400


def test_a_server_that_allows_three_connections_gets_all_over_three(server: Server) -> None:
    server.is_unwelcome = lambda number: server.open > 3

    send_to(400)

    # A few of the refused one's digests may wait for the next run.
    assert Hold.objects.count() == 0
    assert set(states()) <= {State.SENT, State.READY}
    assert states()[State.SENT] == len(set(server.recipients)) >= 380
    assert set(Digest.objects.values_list("attempts", flat=True)) <= {0, 1}


def test_a_server_that_refuses_every_connection_is_held(server: Server) -> None:
    server.is_unwelcome = lambda number: True

    start = time.monotonic()
    send_to(100)

    assert (states(), Hold.objects.filter(mail_service="smtp").count() >= 1) == (
        {State.READY: 100},
        True,
    )
    assert time.monotonic() - start < 20
    assert set(Digest.objects.values_list("attempts", flat=True)) == {0}


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("messages", [1, 7, 20])
def test_a_limit_of_messages_a_connection_costs_no_attempt_and_blames_no_provider(
    server: Server, settings: Settings, connections: int, messages: int
) -> None:
    settings.MAIL_CONNECTIONS = connections
    server.messages_each = messages

    send_to(100, "gmail.com")

    assert (states(), Hold.objects.count(), BackOff.objects.count()) == ({State.SENT: 100}, 0, 0)
    assert len(server.recipients) == len(set(server.recipients)) == 100
    assert server.connections >= 100 // messages
    assert set(Digest.objects.values_list("attempts", flat=True)) == {1}


def test_a_server_without_pipelining_is_no_different(server: Server) -> None:
    server.pipelines = False
    server.messages_each = 20

    send_to(100, "gmail.com")

    assert (states(), Hold.objects.count(), BackOff.objects.count()) == ({State.SENT: 100}, 0, 0)
    assert set(Digest.objects.values_list("attempts", flat=True)) == {1}


def test_a_server_that_closes_without_a_word_after_its_limit_is_no_different(
    server: Server,
) -> None:
    server.messages_each = 20
    server.goodbye = b""

    send_to(100, "gmail.com")

    assert (states(), Hold.objects.count(), BackOff.objects.count()) == ({State.SENT: 100}, 0, 0)
    assert set(Digest.objects.values_list("attempts", flat=True)) == {1}


def test_goodbye_at_the_first_message_of_each_connection_holds_the_service_not_the_provider(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_turned_away(line: Any) -> bool:
        return bool(line._greeted)

    def greeted(line: Any, transport: asyncio.BaseTransport) -> None:
        line._greeted = False
        Conversation.connection_made(line, transport)
        line._greeted = True

    monkeypatch.setattr(Line, "_is_turned_away", is_turned_away)
    monkeypatch.setattr(Line, "connection_made", greeted)
    monkeypatch.setattr(Line, "connection_lost", lambda *_: None)

    send_to(50, "gmail.com")

    assert (states(), BackOff.objects.count()) == ({State.READY: 50}, 0)
    assert Hold.objects.filter(mail_service="smtp").exists()
    assert set(Digest.objects.values_list("attempts", flat=True)) == {0}
