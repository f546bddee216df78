"""What a mail reports: a delivery status (RFC 3464), a complaint (RFC 5965), or a bounce in a mail
server's own words.

The standards say how to read the first two. For the many forms of the third, flufl.bounce, which
Mailman relies on, finds the addresses; it leaves out what the reader's server said, which decides
whether an address is bad.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from enum import StrEnum

from flufl.bounce import all_failures

from .mime import LONGEST_TEXT, Part, head_of, value_of

# It would say of each mail what it tries, and quote what fails.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

_MOST_GROUPS = 50
_LONGEST_REPLY, _LONGEST_LINE = 600, 500
_PARAGRAPH = re.compile(r"\n\s*\n\S|\n-")
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
# Who writes bounces. Others may quote one.
_SERVERS = re.compile(
    r"(?:\b|_)(?:mailer.?daemon|mail.?daemon|post.?master|mdaemon|daemon|mail delivery)\b",
    re.IGNORECASE,
)
# Microsoft returns mails that its readers call junk without a report (JMRP).
_JUNK = re.compile(r"(?<![\w.+-])staff@hotmail\.com\b", re.IGNORECASE)
_REPLY = re.compile(r"(?<![\d.])(?:[45]\d\d[-: ](?=\S)|[45]\.\d{1,3}\.\d{1,3}\b)")
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:]{1,64}@[\w.-]{1,255}")
_COPY = re.compile(r"^(?:-{3}|Received:|[ \t]*Below |Original message)", re.MULTILINE)
_KINDS_OF_STATUS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")


class Action(StrEnum):
    """What became of a mail, by RFC 3464 §2.3.3; the later, the worse."""

    DELIVERED = "delivered"
    RELAYED = "relayed"
    DELAYED = "delayed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Status:
    """What became of the mail for one recipient. `reply` is what that server said, with a code if
    there is one; `recipients` are all names that the report has for this one."""

    action: Action
    recipients: Sequence[str]
    reply: str


@dataclass(frozen=True, slots=True)
class Report:
    """`complaint` is the kind of feedback of a complaint; `about` is text that may hold the
    envelope's sender of the mail that this is about."""

    statuses: Sequence[Status] = ()
    complaint: str = ""
    about: str = ""


def read(parts: Sequence[Part]) -> Report | None:
    """The report in the parts of a mail; None if it is none that anybody could read."""
    for part in parts:
        if part.kind == "message/feedback-report":
            return _complaint(part, parts)
        if part.kind in _KINDS_OF_STATUS:
            statuses = list(_statuses(part))
            about = f"{part.text()[:LONGEST_TEXT]} {_returned(parts)}"
            return Report(statuses, about=about) if statuses else None
    if _JUNK.search(parts[0].value("From")) and (about := _returned(parts)):
        return Report(complaint="abuse", about=about)
    return _in_own_words(parts)


def is_attempt(parts: Sequence[Part]) -> bool:
    """Whether a mail server means to report something, even if nobody can read it; a receipt of a
    reader's mail program (RFC 8098) is none."""
    if any(part.kind == "message/disposition-notification" for part in parts):
        return False
    is_report = any(part.kind == "multipart/report" for part in parts)
    return is_report or bool(_SERVERS.search(parts[0].value("From")))


def _returned(parts: Sequence[Part]) -> str:
    """The headers of the mail that came back; one of them has the sender on its envelope."""
    for part in parts:
        if part.kind in _RETURNED:
            return head_of(part.body).decode("latin-1")[:LONGEST_TEXT]
    return ""


def _blocks(part: Part) -> list[Message]:
    """The groups of fields, one after another (RFC 3464 §2.1)."""
    text = part.text()[:LONGEST_TEXT].strip()
    pieces = re.split(r"\n[ \t]*\n", text, maxsplit=_MOST_GROUPS)
    return [HeaderParser().parsestr(piece.strip()) for piece in pieces]


# --- RFC 5965 ------------------------------------------------------------------------------
def _complaint(part: Part, parts: Sequence[Part]) -> Report:
    fields = _blocks(part)[0]
    about = f"{value_of(fields, 'Original-Mail-From')} {_returned(parts)}"
    return Report(complaint=value_of(fields, "Feedback-Type").lower() or "abuse", about=about)


# --- RFC 3464 ------------------------------------------------------------------------------
def _statuses(part: Part) -> Iterator[Status]:
    for fields in _blocks(part):
        said = value_of(fields, "Action").lower(), value_of(fields, "Status")
        names = [_address(value_of(fields, f"{of}-Recipient")) for of in ("Original", "Final")]
        if (action := _action(*said)) and any(names):
            reply = _reply(said[1], value_of(fields, "Diagnostic-Code"))
            yield Status(action, [name for name in names if name], reply)


def _action(said: str, status: str) -> Action | None:
    """What the field says, which may have a comment behind it; else what the status says."""
    # "error" is OpenSMTPD's word.
    if said.startswith(("fail", "error")):
        return Action.FAILED
    if said.startswith("expanded"):
        return Action.RELAYED
    for action in Action:
        if said.startswith(action):
            return action
    by_class = {"5": Action.FAILED, "4": Action.DELAYED, "2": Action.RELAYED}
    return None if said else by_class.get(status[:1])


def _address(value: str) -> str:
    """The address in ``rfc822; reader@dest.example``, as some write it: in brackets, or alone."""
    _kind, semicolon, rest = value.partition(";")
    return (rest if semicolon else value).strip().strip('<>"').strip()


def _reply(status: str, diagnostic: str) -> str:
    """What the server said, with the status before it unless the words have one of their own."""
    kind, semicolon, rest = diagnostic.partition(";")
    said = rest.strip() if semicolon and re.fullmatch(r"[\w-]{1,20}", kind.strip()) else diagnostic
    said = said[:_LONGEST_REPLY]
    found = None if _STATUS.search(said) else _STATUS.search(status)
    return f"{found[0]} {said}".strip() if found else said


# --- in a server's own words ---------------------------------------------------------------
def _in_own_words(parts: Sequence[Part]) -> Report | None:
    """A bounce of qmail, of an old Exim, or of whatever else has no report in a standard form."""
    mail = parts[0]
    sender = f"{mail.value('From')} {mail.value('Sender')}"
    is_servers = _SERVERS.search(sender) or mail.value("Return-Path") in {"", "<>"}
    text = next((part.text()[:LONGEST_TEXT] for part in parts if part.kind == "text/plain"), "")
    if not is_servers or not text:
        return None
    passing, final = all_failures(_simplified(mail, text))
    action = Action.FAILED if final else Action.DELAYED
    names = sorted(name.decode("ascii", "replace") for name in (final or passing))
    statuses = [Status(action, [name], _said_of(name, text)) for name in names[:_MOST_GROUPS]]
    if not statuses and _SERVERS.search(sender):
        statuses = list(_quoted(text))
    return Report(statuses, about=_returned(parts)) if statuses else None


def _quoted(text: str) -> Iterator[Status]:
    """What a server quotes of another's reply, in a form that nobody knows."""
    copy = _COPY.search(text)
    words = text[: copy.start()] if copy else text
    if reply := _REPLY.search(words):
        said = words[reply.start() :][:_LONGEST_REPLY]
        names = list(dict.fromkeys(_ADDRESS.findall(words)))[:_MOST_GROUPS]
        yield Status(Action.FAILED, names, " ".join(_PARAGRAPH.split(said)[0].split()))


def _simplified(mail: Part, text: str) -> Message:
    """The mail as plain text with short lines, so that no pattern takes long on it."""
    message = Message()
    for name in ("From", "Subject", "X-Mailer", "X-Failed-Recipients"):
        if value := mail.value(name):
            message[name] = value
    message["Content-Type"] = 'text/plain; charset="utf-8"'
    message.set_payload("\n".join(line[:_LONGEST_LINE] for line in text.splitlines()))
    return message


def _said_of(name: str, text: str) -> str:
    """What is said after an address, up to a line of dashes or the next paragraph but one."""
    place = text.lower().find(name.lower())
    said = text[place + len(name) :] if place >= 0 else text
    paragraphs = _PARAGRAPH.split(said[:_LONGEST_REPLY])
    return " ".join(paragraphs[0].split()).lstrip(">:) ")
