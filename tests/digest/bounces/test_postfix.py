"""For real: Postfix takes a digest, the next server refuses its reader, and the reader is
suppressed by what comes back."""

import mailbox
import shlex
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.management import call_command
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.models import Digest
from subscribers.leaving.suppression import is_suppressed
from subscribers.models import Subscriber
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink
from tests.workers import environment, wait_until

from . import postfix
from .test_taking import BOUNCES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(postfix.missing()), reason=postfix.missing() or "it is there"),
]

State = Digest.State
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def refusing() -> Iterator[Sink]:
    """The server of dest.example."""
    with Sink() as sink:
        sink.on_rcpt = lambda address: (
            "550 5.1.1 No such user here"
            if address.startswith("gone")
            else ("552 5.2.2 The mailbox is full" if address.startswith("full") else "250 OK")
        )
        yield sink


def send_to(port: int, settings: Settings) -> dict[str, Subscriber]:
    make_edition()
    settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.MAIL_BOUNCES, settings.MAIL_CONNECTIONS = BOUNCES, 1
    readers = {name: make_reader(email=f"{name}@dest.example") for name in ("gone", "full", "good")}
    plan.plan_due()
    deliver(seconds=30)
    # Postfix took all three: without bounces by mail, nobody would ever know more.
    assert set(Digest.objects.values_list("state", flat=True)) == {State.SENT}
    return readers


def outcome(readers: dict[str, Subscriber]) -> dict[str, tuple[str, bool]]:
    return {
        name: (
            Digest.objects.get(subscriber=reader).state,
            is_suppressed(Subscriber.objects.get(pk=reader.pk).address_hash),
        )
        for name, reader in readers.items()
    }


EXPECTED = {
    "gone": (State.BOUNCED, True),
    "full": (State.DEFERRED, False),
    "good": (State.SENT, False),
}


def test_bounces_in_a_maildir(refusing: Sink, settings: Settings) -> None:
    with postfix.running(refusing.port, ["bounces: {folder}/Maildir/"]) as (port, folder):
        readers = send_to(port, settings)
        wait_until(
            lambda: len([*folder.glob("Maildir/new/*")]) == 2, seconds=20, what="two bounces"
        )
        call_command("read_bounces", maildir=folder / "Maildir")

        assert outcome(readers) == EXPECTED
        assert len(mailbox.Maildir(folder / "Maildir")) == 0
    assert len(refusing.messages) == 1


def _python_of_everybody() -> str:
    """An interpreter that Postfix's user can run, with our packages."""
    packages = ":".join(path for path in sys.path if path.endswith("site-packages"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = {"PYTHONPATH": packages}
    for one in (sys.executable, f"/usr/bin/{version}"):
        tried = [one, "-c", "import celery, psycopg, redis"]
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(
                tried,
                check=True,
                capture_output=True,
                env=own,
                cwd="/",
                user="nobody",
                group="nogroup",
            )
            return f"PYTHONPATH={shlex.quote(packages)} {one}"
    pytest.skip("no interpreter here can be run by Postfix's user")


@contextmanager
def reachable(url: str) -> Iterator[str]:
    """The database's URL for others than its owner: its socket is in a private folder."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    place = f"{query['host']}/.s.PGSQL.{query.get('port', 5432)}"

    class Forwarding(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(place)
                threading.Thread(target=_pass_on, args=(server, self.request)).start()
                _pass_on(self.request, server)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forwarding) as forwarder:
        threading.Thread(target=forwarder.serve_forever, args=(0.02,), daemon=True).start()
        host = f"{parts.username or 'postgres'}@127.0.0.1:{forwarder.server_address[1]}"
        yield f"postgresql://{host}{parts.path}?sslmode=disable"
        forwarder.shutdown()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_bounces_through_a_pipe(refusing: Sink, settings: Settings) -> None:
    """While the database is away, Postfix keeps the bounce and tries again."""
    python = _python_of_everybody()
    names = ("SECRET_KEY", "LINK_KEY", "ADDRESS_KEY", "SITE_URL", "MAIL_FROM", "REDIS_URL")
    with ExitStack() as stack:
        port, folder = stack.enter_context(
            postfix.running(refusing.port, ['bounces: "|sh {folder}/take || exit 75"'])
        )
        own = environment(MAIL_BOUNCES=BOUNCES)
        lines = [f"export {name}={shlex.quote(own[name])}" for name in names]
        lines += [f"export DATABASE_URL=$(cat {folder}/database) ENV_FILE=/dev/null"]
        lines += [f"export MAIL_BOUNCES={BOUNCES} STATE_FOLDER= PICTURES_FOLDER="]
        lines += [f"cd {ROOT} && {python} manage.py read_bounces --stdin"]
        lines += [f"echo $? >> {folder}/codes"]
        (folder / "take").write_text("\n".join(lines) + f"\nexit $(tail -n 1 {folder}/codes)\n")
        (folder / "database").write_text("postgresql://nobody@127.0.0.1:1/none")
        codes = folder / "codes"

        readers = send_to(port, settings)
        wait_until(codes.exists, seconds=20, what="the first refusal")
        url = stack.enter_context(reachable(own["DATABASE_URL"]))
        (folder / "database").write_text(url)
        wait_until(lambda: codes.read_text().split().count("0") == 2, seconds=20, what="bounces")

        assert outcome(readers) == EXPECTED
        assert set(codes.read_text().split()) == {"75", "0"}
