"""Operators hear of it, by a way that needs nothing of what is broken."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from deploy.processes import Programs
from digest.desk.alerts import telling, watching
from digest.desk.alerts.memory import Memory
from digest.desk.today import broker, machinery
from digest.models import Edition, Heartbeat, Hold, Look
from subscribers.database import fetch
from tests.factories import make_digest, make_edition, make_reader
from tests.outage import no_database
from tests.smtp_sink import Sink
from tests.workers import environment, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _all_is_well(settings: Settings, tmp_path: Path) -> None:
    settings.OPERATORS_MAIL = ["ops@example.org", "night@example.org"]
    settings.STATE_FOLDER = tmp_path
    settings.SOURCES = ["huggingface"]
    Heartbeat.beat(Heartbeat.TICK)
    Look.objects.create(source="huggingface", outcome="ok", new=3)
    make_edition(3)
    broker.client().flushdb()
    broker._said_at = float("-inf")
    broker.say_alive("all@host", broker.queue_names())


def look(minutes: float = 0) -> list[str]:
    """One look, so many minutes from now, by a process that has just started. Returns the subjects
    of the mails."""
    before = len(mail.outbox)
    watching.look(watching._read(), datetime.now(UTC) + timedelta(minutes=minutes))
    return [str(one.subject) for one in mail.outbox[before:]]


def test_nothing_is_told_while_all_is_well() -> None:
    assert [look(), look(1)] == [[], []]


def test_a_hold_is_told_once_and_its_release_once() -> None:
    hold = Hold.objects.create(mail_service="smtp", reason="3 of 5 mails were refused")
    subject = "[Broadsheet] Sending through smtp is held: 3 of 5 mails were refused"

    assert [look(), look(0.5), look(9)] == [[subject], [], []]
    hold.released_at = timezone.now()
    hold.save()
    assert [look(10), look(13), look(14)] == [[], [subject.replace("] ", "] Well again: ")], []]

    first, last = mail.outbox
    assert first.to == ["ops@example.org", "night@example.org"]
    assert "It goes on when somebody releases the hold." in first.body
    assert "https://news.example.org/admin/" in first.body
    assert "It lasted from " in last.body


def test_all_that_begins_at_once_is_one_mail() -> None:
    Hold.objects.create(mail_service="", reason="Paused by an operator")
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=5))

    assert look() == ["[Broadsheet] 2 things need you"]
    assert "No tick for 5 min: nothing is planned or fetched." in mail.outbox[0].body


def test_a_used_up_quota_is_no_news() -> None:
    Hold.objects.create(mail_service="smtp", reason="The day's quota is used up.", is_quota=True)

    assert look() == []


def test_a_stale_source_is_told_after_two_missed_looks() -> None:
    now = timezone.now()
    for _ in range(2):  # two ticks at once
        Look.objects.create(source="huggingface", outcome="failed", message="timed out", at=now)
    Look.objects.filter(outcome="ok").update(at=now - timedelta(minutes=30))
    assert look() == []

    Look.objects.filter(outcome="ok").update(at=now - timedelta(minutes=122))
    (subject,) = look()
    assert subject == "[Broadsheet] Hugging Face Daily Papers was last read: 2 h 2 min ago."


def test_an_edition_that_is_missing_is_told_at_its_hour(settings: Settings) -> None:
    settings.EDITION_CLOSES_HOUR = 0
    Edition.objects.update(date=timezone.now().date() - timedelta(days=10))

    if timezone.now().hour or timezone.now().minute > 10:
        assert look()[0].startswith("[Broadsheet] Today’s edition has not closed.")


def test_doubt_and_standstill_are_told_and_say_nothing_personal() -> None:
    edition, at = make_edition(1, day=timezone.now().date() - timedelta(1)), timezone.now()
    for state in ("uncertain", "ready"):
        reader = make_reader(email=f"secret-{state}@dest.example", next_due_at=None)
        make_digest(
            edition,
            reader,
            state=state,
            handed_over_at=at - timedelta(minutes=40),
            next_attempt_at=at - timedelta(minutes=20),
        )

    assert look() == ["[Broadsheet] 2 things need you"]
    body = mail.outbox[0].body
    assert "1 digest has been in doubt since" in body
    assert "Digests have been due since" in body
    assert "secret" not in body


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machinery, "LEAST_FREE", 1.1)

    assert "nearly full" in look()[0] or "things need you" in look()[0]


# --- ways that do not depend on what is broken ---------------------------------------------
def test_redis_down_is_told_within_two_minutes(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    said = [look(0), look(0.5), look(1)]

    assert said == [[], ["[Broadsheet] Redis cannot be reached (ConnectionError)."], []]


def test_postgresql_down_is_told_by_the_operators_own_server_and_that_it_is_well(
    settings: Settings,
) -> None:
    settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
    Hold.objects.create(mail_service="smtp", reason="Blocked")
    with Sink() as own:
        settings.ALERTS_EMAIL = {"host": "127.0.0.1", "port": own.port}
        look(0)  # the hold
        with no_database():
            look(1), look(1.5), look(2)
        look(2.5), look(6), look(7)

    parsed = [message_from_bytes(one.content, policy=policy.default) for one in own.messages]
    assert [str(one["Subject"]).partition(": B")[0] for one in parsed] == [
        "[Broadsheet] Sending through smtp is held",
        "[Broadsheet] PostgreSQL cannot be reached (OperationalError).",
        "[Broadsheet] Well again: PostgreSQL cannot be reached (OperationalError).",
    ]
    assert parsed[1]["Auto-Submitted"] == "auto-generated"
    assert own.messages[0].recipients == ["ops@example.org", "night@example.org"]


@pytest.fixture
def hook() -> Iterator[Any]:
    """A web server that keeps what is posted, and answers with `status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server: Any = self.server
            server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.posted, server.status = [], 200  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_webhook_is_told_too_and_again_if_it_failed(
    hook: Any, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALERTS_WEBHOOK_URL = [f"http://127.0.0.1:{hook.server_port}/hook/secret-path"]
    Hold.objects.create(mail_service="smtp", reason="Blocked")

    hook.status = 500
    first = look()
    hook.status = 200
    second, third = look(0.5), look(1)

    assert [len(one) for one in (first, second, third)] == [1, 0, 0]
    assert len(hook.posted) == 2
    assert hook.posted[1]["text"].startswith("*Broadsheet*: Sending through smtp is held: Blocked")
    assert hook.posted[1]["begun"][0]["key"] == "held:smtp"
    assert "secret-path" not in caplog.text
    assert "could not be told by webhook 1: HTTPError" in caplog.text


def test_whoever_watches_needs_no_database_and_ends_when_told(settings: Settings) -> None:
    settings.OPERATORS_MAIL = []
    rounds = []

    def is_over() -> bool:
        rounds.append(1)
        return len(rounds) > 3

    with no_database():
        watching.watch(is_over, every=timedelta(0))

    assert Memory.load((settings.STATE_FOLDER / watching.FILE).read_text())


def test_a_database_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_LIMIT", "SET LOCAL statement_timeout = 50")
    with connection.execute_wrapper(watching._in_time), pytest.raises(OperationalError):
        fetch("SELECT pg_sleep(20)")

    assert fetch("SHOW statement_timeout") == [("0",)], "a pooler lends the session to others"


def test_two_on_a_host_do_not_tell_twice(settings: Settings) -> None:
    entered = []
    with watching._only_one(lambda: False):
        tries = iter([False, True, True, True])
        with watching._only_one(lambda: next(tries)):
            entered.append(next(tries))

    assert entered == [True]  # only when it was told to end


def test_who_has_nobody_to_tell_writes_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPERATORS_MAIL = []
    Hold.objects.create(mail_service="smtp", reason="Blocked")

    assert (look(), list(telling.ways())) == ([], [])
    assert "Needs a person: Sending through smtp is held: Blocked" in caplog.text


def test_the_process_of_make_run_watches_and_ends_when_told(
    hook: Any, settings: Settings, tmp_path: Path
) -> None:
    Hold.objects.create(mail_service="smtp", reason="Blocked")
    told = environment(
        STATE_FOLDER=str(tmp_path),
        ALERTS_WEBHOOK_URL=f"http://127.0.0.1:{hook.server_port}/",
    )
    # A proxy cannot reach this machine's own addresses.
    told = {name: value for name, value in told.items() if not name.lower().endswith("_proxy")}
    programs = Programs(tmp_path, environment=told)
    child = programs.start("watch", "manage", "watch", "--seconds", "1")
    wait_until(lambda: bool(hook.posted), seconds=90, what="the webhook")
    programs.stop()

    assert "held:smtp" in {one["key"] for one in hook.posted[0]["begun"]}
    assert child.process.returncode == 0
    assert "Watching. Operators are told by webhook 1." in child.log.read_text()
