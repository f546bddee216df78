"""What ends one connection says nothing of the mail service, least of all to a worker that stood
still."""

import time
from collections import Counter
from threading import Thread
from typing import Any

import pytest
from django.db import connection as database
from pytest_django import Settings

from digest.delivery.run import deliver
from digest.models import BackOff, Digest, Hold
from subscribers.models import Subscriber
from tests.chaos.mail.sink import Conversation, Pace
from tests.digest.delivery.test_lines import Line, Server, running
from tests.factories import build_reader, make_edition

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


class Moody(Server):
    """Ends the first connections with `words` at their first MAIL, as a relay ends an idle one."""

    ends = 0
    words = b"421 4.4.2 idle for too long, closing\r\n"
    at = b"MAIL"
    slow_greeting = 0.0
    rate = 1e9


class MoodyLine(Line):
    _told: Moody

    def __init__(self, server: Moody) -> None:
        super().__init__(server)
        self._server.pace = Pace(server.rate)

    def connection_made(self, transport: Any) -> None:
        time.sleep(self._told.slow_greeting)
        super().connection_made(transport)

    def _obey_command(self) -> bool:
        told = self._told
        if self._number < told.ends and bytes(self._buffer[:4]).upper() == told.at:
            self._buffer.clear()
            Conversation._hang_up(self, told.words)
            return True
        return super()._obey_command()


@pytest.fixture(params=["one connection", "four connections"])
def server(settings: Settings, request: pytest.FixtureRequest) -> Any:
    server = Moody()
    with running(server, MoodyLine) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
        settings.MAIL_CONNECTIONS = 1 if request.param == "one connection" else 4
        settings.DELIVERY_CHUNK = 10
        yield server


def send_to(number: int) -> None:
    make_edition()
    Subscriber.objects.bulk_create(
        build_reader(email=f"r{place}@gmail.com") for place in range(number)
    )
    deliver(seconds=60)


def result() -> tuple[Counter[str], int, int, set[int]]:
    return (
        Counter(Digest.objects.values_list("state", flat=True)),
        Hold.objects.count(),
        BackOff.objects.count(),
        set(Digest.objects.values_list("attempts", flat=True)),
    )


@pytest.mark.parametrize("pipelines", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        b"421 4.4.2 idle for too long, closing\r\n",
        b"421 4.7.0 too many connections from your host\r\n",
        b"421 4.3.2 Service shutting down\r\n",
        b"",
    ],
)
def test_a_goodbye_at_the_first_message_of_one_connection_is_only_its_end(
    server: Moody, settings: Settings, words: bytes, pipelines: bool
) -> None:
    server.ends, server.words, server.pipelines = settings.MAIL_CONNECTIONS, words, pipelines

    send_to(40)

    assert result() == ({State.SENT: 40}, 0, 0, {1})
    assert len(server.recipients) == len(set(server.recipients)) == 40


@pytest.mark.parametrize("words", [b"421 4.4.2 timeout\r\n", b""])
def test_so_is_one_while_a_worker_that_stood_still_was_opening_it(
    server: Moody, words: bytes
) -> None:
    """The greeting waited for the worker; what it says after that comes too late."""
    server.ends, server.words, server.at = 1, words, b"EHLO"
    server.slow_greeting = 0.6

    send_to(10)

    assert result() == ({State.SENT: 10}, 0, 0, {1})


def test_silence_at_the_first_message_of_every_connection_holds_the_service(
    server: Moody,
) -> None:
    server.ends, server.words = 10**9, b""

    send_to(20)

    states, holds, back_offs, attempts = result()
    assert (states, back_offs, attempts) == ({State.READY: 20}, 0, {0})
    assert holds >= 1


def test_who_finds_no_line_free_leaves_the_service_to_those_who_have_one(
    server: Moody, settings: Settings
) -> None:
    """Another worker has all the connections that the relay allows."""
    lines = settings.MAIL_CONNECTIONS
    server.is_unwelcome, server.rate = lambda number: server.open > lines, 200.0 / lines
    make_edition()
    Subscriber.objects.bulk_create(build_reader(email=f"r{n}@dest.example") for n in range(900))
    threads = [Thread(target=_deliver, args=(wait,)) for wait in (0.0, 0.5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    states, holds, _, attempts = result()
    # A chunk of the one who was refused may wait for the next run.
    assert (set(states) <= {State.SENT, State.READY}, holds) == (True, 0)
    assert states[State.SENT] == len(set(server.recipients)) >= 800
    assert attempts <= {0, 1}
    assert server.connections > lines


def _deliver(wait: float) -> None:
    time.sleep(wait)
    deliver(seconds=60)
    database.close()
