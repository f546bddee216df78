"""Where mails are read: each kind of mailbox, the pipe, and what is told of them."""

import io
import mailbox
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest import tasks
from digest.bounces import mailboxes, reading
from digest.bounces.mailboxes import CannotRead, aside, imap
from digest.bounces.management.commands import read_bounces
from digest.bounces.taking import Fate
from digest.delivery import events
from digest.desk.today import attention, standing
from digest.models import Digest, Event, Heartbeat
from tests.factories import make_digest, make_edition, make_reader

from . import samples
from .servers import Account, Imap, Pop3, serving
from .test_taking import BOUNCES, path_of, reader_of

pytestmark = pytest.mark.django_db

LONG = b"X-Long: " + b"y" * 5000 + b"\r\n"


@pytest.fixture(autouse=True)
def _settings(settings: Settings, tmp_path: Path) -> None:
    settings.MAIL_BOUNCES, settings.STATE_FOLDER = BOUNCES, tmp_path / "state"


@pytest.fixture
def digest() -> Digest:
    return make_digest(make_edition(), make_reader(), state=Digest.State.SENT)


@pytest.fixture
def mails(digest: Digest) -> list[bytes]:
    """A bounce, nonsense, a bounce again (two servers cannot read it), a long complaint, and the
    bounce once more."""
    bounce = samples.postfix(path_of(digest), reader_of(digest).email)
    long = LONG + samples.complaint(path_of(digest), reader_of(digest).email) + b"z\r\n" * 200_000
    return [bounce, samples.bytes_of("To: {path}\n\nHello\n", path=BOUNCES), bounce, long, bounce]


def kept(folder: Path) -> list[bytes]:
    return [path.read_bytes() for part in ("new", "cur") for path in (folder / part).iterdir()]


def is_empty_but_for(account: Account, number: int, mail: bytes) -> bool:
    return account.inbox == {number: mail} and not account.marked


DONE = {Fate.STORED: 2, Fate.ASIDE: 1, Fate.KNOWN: 1}


def test_an_imap_account_is_emptied(mails: list[bytes]) -> None:
    account = Account(*mails, broken=(3,))
    with serving(Imap, account) as url:
        assert reading.read(url, seconds=60) == DONE
        # The same again finds only what cannot be read.
        assert reading.read(url, seconds=60) == {}

    assert is_empty_but_for(account, 3, mails[2])
    assert account.folders == {"INBOX.Broadsheet": [mails[1]]}
    assert Event.objects.count() == 2


def test_a_pop3_account_is_emptied(mails: list[bytes], tmp_path: Path) -> None:
    account = Account(*mails, broken=(3,))
    with serving(Pop3, account) as url:
        assert reading.read(url, seconds=60) == DONE

    assert is_empty_but_for(account, 3, mails[2])
    (aside,) = kept(tmp_path / "state" / "bounces")
    assert aside.split() == mails[1].split()


def test_a_maildir_is_emptied(mails: list[bytes], tmp_path: Path) -> None:
    folder = tmp_path / "Maildir"
    mailbox.Maildir(folder)
    for number, mail in enumerate(mails):
        # Those that a mail program has shown have flags behind their names.
        place, flags = ("cur", ":2,S") if number % 2 else ("new", "")
        (folder / place / f"170000000{number}.M1P2.host{flags}").write_bytes(mail)
    out = io.StringIO()

    call_command("read_bounces", maildir=folder, stdout=out)

    assert out.getvalue() == "2 stored\n2 known already\n1 put aside\n"
    assert kept(folder) == []
    assert kept(folder / ".Broadsheet") == [mails[1]]


def test_what_is_not_stored_stays(mails: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("the database is away")

    account = Account(mails[1], mails[0])
    monkeypatch.setattr(events, "record", fail)
    with serving(Pop3, account) as url, pytest.raises(OperationalError):
        reading.read(url, seconds=60)

    assert list(account.inbox.values()) == [mails[0]]


@pytest.mark.parametrize("kind", [Imap, Pop3])
def test_a_wrong_password_is_said_without_it(kind: type[Any], settings: Settings) -> None:
    with serving(kind, Account()) as url:
        settings.MAIL_BOUNCES_MAILBOX = url.replace("a%20pass", "of%20another")
        with pytest.raises(CommandError) as raised:
            call_command("read_bounces")
    assert str(raised.value).startswith(f"The {kind.__name__.upper()} server fails: error")
    with pytest.raises(CannotRead), mailboxes.opened("imap+ssl://u:p@127.0.0.1:1/INBOX"):
        pass


def test_a_look_that_fails_is_told(settings: Settings, admin_client: Client) -> None:
    Heartbeat.beat(Heartbeat.TICK)
    settings.MAIL_BOUNCES_MAILBOX = "maildir:///nowhere"

    def told() -> list[str]:
        found = attention.troubles(standing.look())
        return [one.words for one in found if one.key == "bounces"]

    tasks.read_bounces()
    assert told() == ["The mailbox with the bounces has not been read yet."]
    assert reading.is_due()
    Heartbeat.beat(Heartbeat.BOUNCES)
    assert not reading.is_due()
    assert told() == []
    Heartbeat.objects.filter(name=Heartbeat.BOUNCES).update(
        at=timezone.now() - timedelta(minutes=40)
    )
    assert reading.is_due()
    (words,) = told()
    assert words.startswith("The mailbox with the bounces has not been read for ")
    assert "Bounces</strong> last read" in admin_client.get("/admin/").content.decode()


# --- the pipe ------------------------------------------------------------------------------
@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command as a mail server does. Returns its exit code."""

    def run(content: bytes, *more: str) -> int:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        with pytest.raises(SystemExit) as ended:
            call_command("read_bounces", "--stdin", *more)
        return int(str(ended.value.code))

    return run


def test_a_mail_server_is_told_what_became_of_a_mail(
    digest: Digest, piped: Callable[..., int], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounce = samples.postfix(BOUNCES, reader_of(digest).email)
    # Some servers hand on the address only beside the mail.
    assert piped(bounce, "--recipient", path_of(digest)) == os.EX_OK
    assert Event.objects.count() == 1
    assert Heartbeat.objects.filter(name=Heartbeat.BOUNCES).exists()

    assert piped(b"To: bounces@news.example.org\r\n\r\n" + b"x" * 3_000_000) == os.EX_OK
    assert aside.number() == 1
    settings.STATE_FOLDER = None
    assert piped(b"nothing") == os.EX_DATAERR

    def fail(*_: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(read_bounces, "take", fail)
    assert piped(bounce) == os.EX_TEMPFAIL


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "MOST", 3)
    for number in range(5):
        aside.keep(f"Subject: {number}\n\n".encode())

    folder = aside.folder()
    assert folder is not None
    assert sorted(kept(folder)) == [b"Subject: 2\n\n", b"Subject: 3\n\n", b"Subject: 4\n\n"]


def test_large_accounts_are_read_in_several_looks(
    mails: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "_AT_ONCE", 2)
    account = Account(*[mails[0]] * 3)
    with serving(Imap, account) as url:
        assert [reading.read(url, seconds=60).total() for _ in range(3)] == [2, 1, 0]
