"""Everything works over a pooler in transaction mode, which lends a session for one transaction."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.env import BASE_DIR
from digest import tasks
from digest.models import Digest, Heartbeat
from subscribers.importing import uploads
from subscribers.models import ImportFile, Latch, Letter, Subscriber
from tests.factories import build_reader, make_edition, make_reader
from tests.pooler import pooled
from tests.smtp_sink import Sink
from tests.workers import environment, flush_redis, wait_until, worker

READERS, COMING = 120, 300


@pytest.mark.django_db(transaction=True)
def test_digests_letters_and_an_import_go_through_a_pooler(sink: Sink, tmp_path: Path) -> None:
    flush_redis()
    make_edition()
    Subscriber.objects.bulk_create(build_reader() for _ in range(READERS))
    newcomer = make_reader(state=Subscriber.State.PENDING, next_due_at=None)
    letter = Letter.objects.create(subscriber=newcomer, kind=Letter.Kind.CONFIRM)
    file = wanted_import()
    direct = environment()["DATABASE_URL"]
    with pooled(tmp_path, direct) as url:
        urls = {"DATABASE_URL": url, "DATABASE_DIRECT_URL": direct}
        # Several senders at once, so that sessions change hands in the middle of everything.
        with worker(tmp_path, SENDERS="2", MAIL_CONNECTIONS="3", **urls):
            tasks.tick.delay()
            wait_until(lambda: sent() == READERS, seconds=90, what="the digests")
            wait_until(lambda: is_imported(file), seconds=60, what="the import")
            letter.refresh_from_db()
        listed = manage("export_readers", **urls)
        checked = manage("migrate", "--check", **urls)

    log = (tmp_path / "worker.log").read_text()
    assert "Traceback" not in log, log
    assert letter.sent_at is not None
    assert len(sink.messages) == READERS + 1, "nothing went twice"
    assert listed.count("\n") == READERS + COMING + 2
    assert checked == ""
    assert Heartbeat.objects.filter(name=Heartbeat.TICK).exists()
    assert not Latch.objects.exists()


def wanted_import() -> ImportFile:
    rows = "".join(f"new{number}@dest.example,active\n" for number in range(COMING))
    content = f"email,status\n{rows}".encode()
    file = uploads.begin(uuid4(), "readers.csv", len(content), "owner")
    uploads.add(file, 0, content)
    uploads.complete(file)
    options = uploads.Options(basis="Double opt-in on the old site")
    assert uploads.ask(file, ImportFile.State.CHECKING, options)
    ImportFile.objects.update(state=ImportFile.State.IMPORTING)
    return file


def is_imported(file: ImportFile) -> bool:
    file.refresh_from_db()
    assert file.state != ImportFile.State.FAILED, file.problem
    return file.state == ImportFile.State.DONE


def sent() -> int:
    return Digest.objects.filter(state=Digest.State.SENT).count()


def manage(*command: str, **more: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", str(BASE_DIR / "manage.py"), *command],
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
