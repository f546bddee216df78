"""A fast SMTP server that keeps a ledger of what it accepted, and misbehaves when told to.

``python -m tests.chaos.sink LEDGER RATE SEED`` prints its port and reads orders from its standard
input, one JSON object per line (see `Orders`), until that ends. RATE is the most messages per
second. A message's line is in the ledger before the sender receives "250": recipient, Message-ID,
monotonic time, wall-clock time, and "accepted", or "dropped" for a message that was neither
accepted nor answered.
"""

import asyncio
import json
import os
import re
import sys
import time
from dataclasses import dataclass, fields
from random import Random

END_OF_DATA = b"\r\n.\r\n"
MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
ADDRESS = re.compile(rb"<([^>]*)>")
CAPABILITIES = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


@dataclass
class Orders:
    """How the server misbehaves now. An order sets the fields that it names.

    Three fields are counters that run down: `silent` messages are accepted without an answer,
    `dropped` ones are neither accepted nor answered, and `stalled` ones are accepted but answered
    only after `stall_seconds`. Until the monotonic time `until`, a share of recipients
    (`storm_share`) is refused for now, or all connections are `turned_away`.
    """

    silent: int = 0
    dropped: int = 0
    stalled: int = 0
    stall_seconds: float = 0.0
    storm_share: float = 0.0
    turned_away: bool = False
    until: float = 0.0

    def obey(self, line: bytes) -> None:
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


class Ledger:
    """An append-only file, with one write for each line so that every line is whole."""

    def __init__(self, path: str, rate: float) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._gap = 1 / rate
        self._next = 0.0

    def add(self, recipient: str, message_id: str, verdict: str) -> None:
        line = f"{recipient} {message_id} {time.monotonic():.6f} {time.time():.6f} {verdict}\n"
        os.write(self._file, line.encode())

    def pace(self) -> float:
        """How many seconds the next answer must wait to keep to `rate`."""
        now = time.monotonic()
        self._next = max(now, self._next + self._gap)
        return self._next - now


class Conversation(asyncio.Protocol):
    """One connection, with any number of messages and pipelined commands (RFC 2920)."""

    transport: asyncio.Transport

    def __init__(self, orders: Orders, ledger: Ledger, chance: Random) -> None:
        self._orders = orders
        self._ledger = ledger
        self._chance = chance
        self._buffer = bytearray()
        self._scanned = 0
        self._recipients: list[str] = []
        self._is_data = False
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._is_turned_away():
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
        if verb == b"MAIL" and self._is_turned_away():
            self._hang_up(b"421 4.3.2 closing\r\n")
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
        known = {b"EHLO": CAPABILITIES, b"DATA": b"503 5.5.1 no recipient\r\n"}
        usual = b"250 ok\r\n" if verb in {b"HELO", b"MAIL", b"RSET", b"NOOP"} else b"502 what?\r\n"
        return known.get(verb, usual)

    def _recipient(self, line: bytes) -> bytes:
        match = ADDRESS.search(line)
        address = match.group(1).decode() if match else ""
        if address.startswith("gone"):
            return b"550 5.1.1 no such user\r\n"
        if self._orders.holds() and self._chance.random() < self._orders.storm_share:
            return b"450 4.2.1 come later\r\n"
        self._recipients.append(address)
        return b"250 ok\r\n"

    def _end_message(self) -> bool:
        """Process a message that has arrived completely. Returns False if it has not."""
        end = self._buffer.find(END_OF_DATA, max(self._scanned - len(END_OF_DATA), 0))
        if end < 0:
            self._scanned = len(self._buffer)
            return False
        match = MESSAGE_ID.search(self._buffer, 0, end)
        message_id = match.group(1).decode() if match else "none"
        del self._buffer[: end + len(END_OF_DATA)]
        self._is_data = False
        is_dropped = self._orders.take("dropped")
        for recipient in self._recipients:
            self._ledger.add(recipient, message_id, "dropped" if is_dropped else "accepted")
        if is_dropped or self._orders.take("silent"):
            self.transport.abort()
        else:
            self._answer_later()
        return True

    def _answer_later(self) -> None:
        stalls = self._orders.take("stalled")
        seconds = self._orders.stall_seconds if stalls else self._ledger.pace()
        if seconds <= 0:
            self.transport.write(b"250 2.0.0 taken\r\n")
            return
        self._is_waiting = True
        asyncio.get_running_loop().call_later(seconds, self._answer)

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


async def serve(path: str, rate: float, seed: int) -> None:
    orders, ledger, chance = Orders(), Ledger(path, rate), Random(seed)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Conversation(orders, ledger, chance), "127.0.0.1", 0, backlog=1000
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        orders.obey(line)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
