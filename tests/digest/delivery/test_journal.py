"""What a process has begun is known on its host after it has died."""

import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from aiosmtpd.smtp import Envelope
from django.db.models.functions import Now
from pytest_django import Settings

from digest import tasks
from digest.delivery import plan
from digest.delivery.doubt import journal
from digest.delivery.run import deliver
from digest.models import Digest
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink
from tests.workers import environment, wait_until, worker

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
READERS = 30
WORKER = (
    "import django; django.setup(); from digest.delivery.run import deliver; deliver(seconds=60)"
)


@pytest.fixture(autouse=True)
def _state(settings: Settings, tmp_path: Path) -> None:
    settings.STATE_FOLDER = tmp_path


def killed_in_the_middle(sink: Sink, tmp_path: Path, *, after: int) -> None:
    """Start a worker in a process of its own, and kill it when so many mails have come in.

    Readers are due, and an edition has closed.
    """
    make_edition()
    for _ in range(READERS):
        make_reader()
    plan.plan_due()
    worker: subprocess.Popen[bytes] | None = None

    def killing(_: Envelope) -> str:
        time.sleep(0.02)
        if len(sink.messages) == after and worker is not None:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        return "250 OK"

    sink.on_data = killing
    more = {"STATE_FOLDER": str(tmp_path), "MAIL_CONNECTIONS": "1", "DELIVERY_CHUNK": str(READERS)}
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], env=environment(**more, DELIVERY_LEASE_SECONDS="300")
    )
    worker.wait(60)


def test_at_most_one_message_a_connection_is_in_doubt_after_a_kill(
    sink: Sink, tmp_path: Path
) -> None:
    killed_in_the_middle(sink, tmp_path, after=10)
    assert Digest.objects.filter(state=State.SENDING).count() == READERS

    assert journal.recover() == 1

    states = list(Digest.objects.values_list("state", flat=True))
    assert states.count(State.UNCERTAIN) <= 1
    assert states.count(State.SENT) >= 9
    assert State.SENDING not in states
    sink.on_data = lambda _: "250 OK"
    deliver(seconds=60)
    recipients = [mail.recipients[0] for mail in sink.messages]
    assert len(recipients) == len(set(recipients)) >= READERS - 1


def test_the_journal_speaks_before_silence_becomes_an_assumption(
    sink: Sink, tmp_path: Path, settings: Settings
) -> None:
    """As after an outage of hours: the first tick comes before the first sender."""
    killed_in_the_middle(sink, tmp_path, after=10)
    past = Now() - settings.DELIVERY_DOUBT - timedelta(hours=1)
    Digest.objects.update(handed_over_at=past, lease_until=past)

    tasks.sweep()

    states = list(Digest.objects.values_list("state", flat=True))
    assert states.count(State.ASSUMED) <= 1
    assert states.count(State.SENT) >= 9


def test_a_worker_reads_the_journal_at_its_start_though_nothing_is_to_be_sent(
    sink: Sink, tmp_path: Path
) -> None:
    """Where others send as well, no task may come to this host before silence is an assumption."""
    killed_in_the_middle(sink, tmp_path, after=10)

    with worker(tmp_path, queues="nothing", STATE_FOLDER=str(tmp_path)):
        left = tmp_path / "journal"
        wait_until(lambda: not any(left.iterdir()), seconds=60, what="the journal to be read")

    states = list(Digest.objects.values_list("state", flat=True))
    assert states.count(State.UNCERTAIN) <= 1
    assert states.count(State.SENT) >= 9
    assert State.SENDING not in states


def test_a_journal_of_another_boot_proves_nothing(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_in_the_middle(sink, tmp_path, after=10)
    monkeypatch.setattr(journal, "_boot", lambda: "another")

    assert journal.recover() == 0

    assert Digest.objects.filter(state=State.SENDING).count() == READERS


def test_the_journal_of_a_living_process_is_left_alone() -> None:
    with journal.opened() as kept:
        kept.leased(uuid4())
        # The lock belongs to the open file, so that even this process cannot take it twice.
        assert journal.recover() == 0


def test_a_run_that_ends_well_leaves_no_journal(sink: Sink, tmp_path: Path) -> None:
    make_edition()
    make_reader()

    deliver(seconds=60)

    assert len(sink.messages) == 1
    assert list((tmp_path / "journal").iterdir()) == []


def test_without_a_folder_mails_go_out_all_the_same(sink: Sink, settings: Settings) -> None:
    settings.STATE_FOLDER = None
    make_edition()
    make_reader()

    deliver(seconds=60)

    assert len(sink.messages) == 1
