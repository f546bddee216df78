"""A fast SMTP server that keeps a ledger of what it accepted, and misbehaves when told to.

``python -m tests.chaos.mail.sink LEDGER RATE SEED OPTIONS`` prints its port and reads orders from
its standard input, one JSON object per line (see `Orders`), until that ends. RATE is the most
messages per second. OPTIONS are words: ``plain`` for a server that does not pipeline, and a number
for one that ends each connection with 421 after so many messages. See ``ledger`` for what it
writes; a message's line is there before the sender receives "250".
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, fields
from random import Random

from .ledger import Ledger

# With which services that have webhooks prove who they are.
SECRET = "us:secret"
END_OF_DATA = b"\r\n.\r\n"
ADDRESS = re.compile(rb"<([^>]*)>")


@dataclass
class Orders:
    """How a mail service misbehaves now. An order sets the fields that it names.

    Some are counters that run down: `silent` messages are accepted and the connection is closed
    without an answer; `dropped` ones are not accepted, but look the same; `hung` ones are dropped,
    too, but only after `stall_seconds`; `stalled` ones are accepted, and answered after
    `stall_seconds`; `refused` connections are closed at once. Until the monotonic time `until`
    every message takes `slow_seconds`, a share of recipients (`storm_share`) is refused for now,
    and all connections are `turned_away`.
    """

    silent: int = 0
    dropped: int = 0
    hung: int = 0
    stalled: int = 0
    refused: int = 0
    stall_seconds: float = 0.0
    slow_seconds: float = 0.0
    storm_share: float = 0.0
    turned_away: bool = False
    until: float = 0.0

    def obey(self, line: bytes | str) -> None:
        order = json.loads(line)
        for field in fields(self):
            setattr(self, field.name, order.get(field.name, getattr(self, field.name)))

    def take(self, name: str) -> bool:
        """Count one of the counters down. Returns False if it had run out."""
        left = getattr(self, name)
        setattr(self, name, max(left - 1, 0))
        return bool(left)

    def holds(self) -> bool:
        return time.monotonic() < self.until

    def fate(self) -> str:
        """What becomes of the next message: a verdict of the ledger."""
        taken = (name for name in ("dropped", "hung", "silent", "stalled") if self.take(name))
        return next(taken, "accepted")


class Pace:
    """Spaces the answers so that they keep to a rate."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0

    def wait(self) -> float:
        """How many seconds the next answer must wait."""
        now = time.monotonic()
        self._next = max(now, self._next + self._gap)
        return self._next - now


@dataclass
class Server:
    """What all connections share. `most` is the number of messages a connection may bring."""

    orders: Orders
    ledger: Ledger
    pace: Pace
    chance: Random
    pipelines: bool = True
    most: int | None = None

    @property
    def capabilities(self) -> bytes:
        return b"250-sink\r\n" + b"250-PIPELINING\r\n" * self.pipelines + b"250 8BITMIME\r\n"


class Conversation(asyncio.Protocol):
    """One connection, with any number of messages and pipelined commands (RFC 2920)."""

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server, self._orders = server, server.orders
        self._buffer = bytearray()
        self._scanned = 0
        self._taken = 0
        self._recipients: list[str] = []
        self._is_data = False
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._orders.take("refused"):
            transport.abort()
        elif self._is_turned_away():
            self._hang_up(b"421 4.3.2 not now\r\n")
        else:
            transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._go_on()

    def _go_on(self) -> None:
        while not self._is_waiting and not self.transport.is_closing():
            if not (self._end_message() if self._is_data else self._obey_command()):
                return

    def _obey_command(self) -> bool:
        """Answer the next command. Returns False if it has not arrived yet."""
        line, end, _ = self._buffer.partition(b"\r\n")
        if not end:
            return False
        del self._buffer[: len(line) + 2]
        verb = bytes(line[:4]).upper()
        if verb == b"MAIL" and (self._is_turned_away() or self._taken == self._server.most):
            self._hang_up(b"421 4.7.0 closing\r\n")
        elif verb == b"RCPT":
            self.transport.write(self._recipient(bytes(line)))
        elif verb == b"DATA" and self._recipients:
            self._is_data, self._scanned = True, 0
            self.transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self._hang_up(b"221 bye\r\n")
        else:
            self.transport.write(self._plain(verb))
        return True

    def _plain(self, verb: bytes) -> bytes:
        if verb in {b"MAIL", b"RSET"}:
            self._recipients.clear()
        known = {b"EHLO": self._server.capabilities, b"DATA": b"503 5.5.1 no recipient\r\n"}
        usual = b"250 ok\r\n" if verb in {b"HELO", b"MAIL", b"RSET", b"NOOP"} else b"502 what?\r\n"
        return known.get(verb, usual)

    def _recipient(self, line: bytes) -> bytes:
        match = ADDRESS.search(line)
        address = match.group(1).decode() if match else ""
        if address.startswith("gone"):
            return b"550 5.1.1 no such user\r\n"
        if self._orders.holds() and self._server.chance.random() < self._orders.storm_share:
            return b"450 4.2.1 come later\r\n"
        self._recipients.append(address)
        return b"250 ok\r\n"

    def _end_message(self) -> bool:
        """Process a message that has arrived completely. Returns False if it has not."""
        end = self._buffer.find(END_OF_DATA, max(self._scanned - len(END_OF_DATA), 0))
        if end < 0:
            self._scanned = len(self._buffer)
            return False
        fate = self._orders.fate()
        for recipient in self._recipients:
            self._server.ledger.add(recipient, bytes(self._buffer[:end]), fate)
        del self._buffer[: end + len(END_OF_DATA)]
        self._is_data = False
        self._taken += 1
        self._answer_in_time(fate)
        return True

    def _answer_in_time(self, fate: str) -> None:
        if fate in {"silent", "dropped"}:
            self.transport.abort()
            return
        seconds = self._server.pace.wait()
        if fate in {"hung", "stalled"}:
            seconds = self._orders.stall_seconds
        elif self._orders.holds() and self._orders.slow_seconds:
            seconds = self._orders.slow_seconds
        if seconds <= 0:
            self.transport.write(b"250 2.0.0 taken\r\n")
            return
        self._is_waiting = True
        then = self.transport.abort if fate == "hung" else self._answer
        asyncio.get_running_loop().call_later(seconds, then)

    def _answer(self) -> None:
        self._is_waiting = False
        if not self.transport.is_closing():
            self.transport.write(b"250 2.0.0 taken\r\n")
            self._go_on()

    def _is_turned_away(self) -> bool:
        return self._orders.turned_away and self._orders.holds()

    def _hang_up(self, word: bytes) -> None:
        self.transport.write(word)
        self.transport.close()


async def serve(path: str, rate: float, seed: int, options: list[str]) -> None:
    most = next((int(word) for word in options if word.isdecimal()), None)
    server = Server(Orders(), Ledger(path), Pace(rate), Random(seed), "plain" not in options, most)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Conversation(server), "127.0.0.1", 0, backlog=1000)
    sys.stdout.write(f"{listening.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        server.orders.obey(line)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
