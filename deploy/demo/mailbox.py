"""The demo's mailbox: a folder with one .eml file for each mail.

The envelope comes before the message's own headers, as X-Envelope-From and X-Envelope-To. A
mail's ID is its file name: the time of arrival, by which the files sort, and a random number.
"""

import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

ID = "[0-9]{20}-[0-9a-f]{8}"
_NAME = re.compile(rf"({ID})\.eml")
_FROM = "X-Envelope-From"
_TO = "X-Envelope-To"


class NoSuchMail(LookupError):
    """The mailbox has no mail with that ID."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: the envelope's recipients, the time of arrival (UTC), and the parsed message."""

    id: str
    to: str
    came_at: datetime
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "(no subject)")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names and decoded values, in the order of the file."""
        return [(name, str(value)) for name, value in self.message.items()]

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        """The text of the first part of that kind, or ""."""
        part = self.message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""


@dataclass(frozen=True, slots=True)
class MailCounts:
    """The number of mails in a mailbox. `repeated` counts copies of a digest beyond the first."""

    letters: int
    digests: int
    repeated: int


def store(folder: Path, sender: str, recipients: Sequence[str], content: bytes) -> str:
    """Store a mail and return its ID. The file appears complete or not at all."""
    mail_id = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    envelope = f"{_FROM}: {sender}\r\n{_TO}: {', '.join(recipients)}\r\n"
    unfinished = folder / f"{mail_id}.unfinished"
    unfinished.write_bytes(envelope.encode() + content)
    unfinished.rename(_path(folder, mail_id))
    return mail_id


def ids(folder: Path) -> list[str]:
    """The IDs of all mails, newest first. Empty if the folder does not exist."""
    names = os.listdir(folder) if folder.is_dir() else []
    return sorted((m[1] for name in names if (m := _NAME.fullmatch(name))), reverse=True)


def read(folder: Path, mail_id: str) -> Mail:
    """Read one mail. Raises `NoSuchMail`, even for something that is not an ID, such as a path."""
    if not re.fullmatch(ID, mail_id):
        raise NoSuchMail(mail_id)
    try:
        content = _path(folder, mail_id).read_bytes()
    except FileNotFoundError as error:
        raise NoSuchMail(mail_id) from error
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert isinstance(message, EmailMessage)  # because of the policy
    came_at = datetime.fromtimestamp(int(mail_id[:20]) / 1e9, UTC)
    return Mail(mail_id, str(message[_TO]), came_at, message)


def since(folder: Path, mail_id: str) -> Iterator[Mail]:
    """The mails that arrived after the one with that ID, newest first. "" gives all of them."""
    for each in ids(folder):
        if each <= mail_id:
            break
        yield read(folder, each)


def count(folder: Path) -> MailCounts:
    """Count letters and digests. Mails with the same Message-ID count once."""
    letters: Counter[str] = Counter()
    digests: Counter[str] = Counter()
    for mail in since(folder, ""):
        kind = digests if mail.message["List-Unsubscribe"] else letters
        kind[str(mail.message["Message-ID"])] += 1
    return MailCounts(len(letters), len(digests), digests.total() - len(digests))


def _path(folder: Path, mail_id: str) -> Path:
    return folder / f"{mail_id}.eml"
