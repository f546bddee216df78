"""How long somebody who signs up waits for the letter, with nothing else to do and behind digests.

The workers are those of `make run`, the mail server is on this machine, and sending goes on at full
speed meanwhile. LETTERS_BEHIND says how many digests are due.
"""

import logging
import os
import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import uuid4

from aiosmtpd.smtp import Envelope
from rich.table import Table

from digest import tasks
from subscribers.database import execute
from subscribers.models import Letter, Subscriber
from subscribers.tasks import send_letters
from tests.benchmarks.load import fresh_edition, fresh_readers
from tests.factories import make_reader
from tests.smtp_sink import Sink
from tests.workers import flush_redis, wait_until, worker

BEHIND = int(os.environ.get("LETTERS_BEHIND", "100000"))
LETTERS, PAUSE = 15, 1.0
# As in production: LIVELY ticks each second.
AS_USUAL = {"TICK_SECONDS": "60", "DELIVERY_BATCH": "500", "DELIVERY_CHUNK": "50"}


class _Arrivals(Sink):
    """Notes when the first message for somebody came, and how many there were, and keeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}
        self.number = 0
        self.on_data = self._note

    def wait_for(self, address: str) -> None:
        wait_until(lambda: address in self.at, seconds=120, what="a letter")

    def _note(self, envelope: Envelope) -> str:
        self.number += 1
        for recipient in envelope.rcpt_tos:
            self.at.setdefault(recipient, time.monotonic())
        return "250 OK"


def run() -> Table:
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the mail server's, of each command
    flush_redis()
    Subscriber.objects.all().delete()
    fresh_edition(Random(1))
    with TemporaryDirectory() as folder, _Arrivals() as arrivals, ExitStack() as stack:
        more = {**AS_USUAL, "EMAIL_URL": f"smtp://127.0.0.1:{arrivals.port}"}
        for queues in ("digests,chores", "ticks,letters"):
            stack.enter_context(worker(Path(folder), queues=queues, **more))
        _measure(arrivals, 1)  # when the workers are up
        alone = _measure(arrivals)
        fresh_readers(BEHIND, Random(1))
        execute("ALTER SEQUENCE subscribers_subscriber_id_seq RESTART WITH 100000000")
        before = arrivals.number
        tasks.tick.delay()
        wait_until(lambda: arrivals.number > before + 100, seconds=300, what="the digests")
        behind = _measure(arrivals)
        left = BEHIND - (arrivals.number - before)
    table = Table(
        "seconds until the letter is there",
        *("median", "longest", "digests still due at the end"),
    )
    for name, seconds, due in (("alone", alone, ""), ("behind digests", behind, f"{left:,}")):
        figures = (statistics.median(seconds), max(seconds))
        table.add_row(name, *(f"{figure:.2f}" for figure in figures), due)
    ratio = statistics.median(behind) / statistics.median(alone)
    table.add_row("times as long", f"{ratio:.1f}", "", "")
    return table


def _measure(arrivals: _Arrivals, number: int = LETTERS) -> list[float]:
    found = []
    for _ in range(number):
        address = f"{uuid4().hex}@new.example"  # none of those who get digests
        newcomer = make_reader(email=address, state=Subscriber.State.PENDING, next_due_at=None)
        began = time.monotonic()
        Letter.objects.create(subscriber=newcomer, kind=Letter.Kind.CONFIRM)
        send_letters.delay()
        arrivals.wait_for(address)
        found.append(arrivals.at[address] - began)
        time.sleep(PAUSE)
    return found
