"""What a mail service has received: an append-only file with a line for each message.

A line has the recipient, the simulated time, the monotonic time (the same for all processes), what
became of the message, and the papers in it. A message without papers is a letter. Nothing of ours
that could serve as an id is kept: a mail is told apart by its recipient and its time.
"""

import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

PAPER = re.compile(rb"arxiv\.org/abs/(\d+\.\d+)")
# What can become of a message. The sender learns of "accepted" at once, of "stalled" late, and of
# the others never.
ACCEPTED = frozenset({"accepted", "stalled", "silent"})
UNKNOWN = frozenset({"stalled", "silent", "hung", "dropped"})


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the ledger."""

    recipient: str
    at: datetime
    monotonic: float
    fate: str
    papers: tuple[str, ...]

    @classmethod
    def read(cls, line: str) -> Self:
        recipient, at, monotonic, fate, papers = line.split(" ")
        when = datetime.fromtimestamp(float(at), UTC)
        numbers = tuple(papers.split(",")) if papers else ()
        return cls(recipient, when, float(monotonic), fate, numbers)


class Ledger:
    """Each line is one write, so that every line is whole."""

    def __init__(self, path: str | Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, recipient: str, content: bytes, fate: str) -> None:
        """`content` is the message, in which quoted-printable may have broken the lines."""
        found = dict.fromkeys(PAPER.findall(content.replace(b"=\r\n", b"")))
        papers = ",".join(number.decode() for number in found)
        line = f"{recipient} {time.time():.6f} {time.monotonic():.6f} {fate} {papers}\n"
        os.write(self._file, line.encode())


def read(path: Path) -> list[Message]:
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [Message.read(line) for line in lines]
