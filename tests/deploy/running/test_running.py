"""`make run`: all of it from one process, as an operator starts and stops it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from socket import create_server

import pytest
from django.conf import settings
from django.db import connection

from deploy.env import BASE_DIR
from deploy.running import loading
from deploy.running.forking import Family
from digest.delivery import plan
from digest.models import Digest, Heartbeat
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink
from tests.workers import environment, flush_redis, wait_until


def free_port() -> int:
    with create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def is_ready(port: int) -> bool:
    asked = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/ready")
        return asked.getresponse().status == 200
    except OSError:
        return False
    finally:
        asked.close()


@contextmanager
def running(port: int, folder: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    more = {"LOG_LEVEL": "INFO", "STATE_FOLDER": str(log.parent), "ALLOWED_HOSTS": "127.0.0.1"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.run", "--port", str(port), "--folder", str(folder)],
            env=environment(**more), stdout=output, stderr=output, cwd=BASE_DIR,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def children_of(pid: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.django_db(transaction=True)
def test_it_sends_survives_the_death_of_each_process_and_leaves_nobody_behind(
    sink: Sink, tmp_path: Path
) -> None:
    flush_redis()
    (tmp_path / "worker.log").write_text("what an earlier run said\n")
    port, output = free_port(), tmp_path / "out.log"
    make_edition()
    for number in range(3):
        make_reader(email=f"reader{number}@dest.example")

    with running(port, tmp_path, output) as process:
        wait_until(lambda: is_ready(port), seconds=90, what="the site")
        wait_until(lambda: len(sink.messages) == 3, seconds=90, what="three mails")
        before = children_of(process.pid)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(
            lambda: len(set(children_of(process.pid)) - set(before)) == len(before),
            seconds=60,
            what="those that were killed",
        )
        Heartbeat.objects.all().delete()
        wait_until(lambda: is_ready(port), seconds=90, what="a tick after that")
        after = children_of(process.pid)
        make_reader(email="late@dest.example")
        plan.plan_due()
        wait_until(lambda: len(sink.messages) == 4, seconds=90, what="a fourth mail")

    said = (tmp_path / "worker.log").read_text()
    assert [pid for pid in (*before, *after) if Path(f"/proc/{pid}").exists()] == []
    assert process.returncode == 0
    assert set(Digest.objects.values_list("state", flat=True)) == {"sent"}
    assert said.startswith("what an earlier run said")
    assert len(re.findall(r"INFO digest\.tasks \d sent, \d+ s\n", said)) >= 2
    logs = [log.read_text() for log in tmp_path.glob("*.log")]
    assert (len(logs), [log for log in logs if "dest.example" in log]) == (4, [])
    assert output.read_text().count("ended with -9 and was restarted") == len(before)


@pytest.mark.django_db(transaction=True)
def test_it_does_not_start_on_a_database_that_lacks_a_migration() -> None:
    assert not loading.lacks_migrations()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'digest' AND name ="
            " (SELECT max(name) FROM django_migrations WHERE app = 'digest') RETURNING name"
        )
        ((name,),) = cursor.fetchall()
        try:
            assert loading.lacks_migrations()
        finally:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('digest', %s, now())",
                [name],
            )


def test_a_process_that_cannot_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    family = Family(tmp_path)

    def fail() -> None:
        os.write(2, b"".join(b"line %d\n" % number for number in range(9000)))
        os._exit(3)

    child = family.start("a part", fail)
    child.process.wait(30)
    (failure,) = family.revive()
    family.stop()

    assert str(failure).startswith(f"a part ended with 3 and was restarted. The end of {tmp_path}")
    assert str(failure).endswith("line 8999")
    assert settings.configured
