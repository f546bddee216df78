"""What a mail tells that arrived in a mailbox, saved there as it came ("show original").

It tells what the settings cannot: who was the sender on the envelope, which keys signed, from which
IP address it came, and what the mailbox provider thought of it. Only the topmost
Authentication-Results are believed: those that the last server added.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from ipaddress import ip_address

from .tags import items, tags_of

_CLIENT = re.compile(r"\bclient-ip=([0-9A-Fa-f.:]+)")
_RESULT = re.compile(r"\b(spf|dkim|dmarc)\s*=\s*([a-z]+)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Signature:
    """A DKIM signature: which key made it, and which headers it covers."""

    domain: str
    selector: str
    headers: frozenset[str]
    is_partial: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """`results` are the last server's verdicts, such as {"spf": {"pass"}}."""

    content: bytes
    envelope_domain: str = ""
    ip: str = ""
    signatures: Sequence[Signature] = ()
    results: dict[str, set[str]] = field(default_factory=dict)


def read(content: bytes) -> Arrived:
    """Read a mail. What is missing or cannot be read is left out."""
    message = BytesParser(policy=policy.compat32).parsebytes(content, headersonly=True)
    said = _COMMENT.sub(" ", str(message.get("Authentication-Results", "")))
    results: dict[str, set[str]] = {}
    for name, verdict in _RESULT.findall(said):
        results.setdefault(name.lower(), set()).add(verdict.lower())
    sender = parseaddr(str(message.get("Return-Path", "")))[1]
    signed = [_signature(str(one)) for one in message.get_all("DKIM-Signature", [])]
    return Arrived(
        content,
        sender.rpartition("@")[2].lower(),
        _ip(str(message.get("Received-SPF", ""))),
        [one for one in signed if one],
        results,
    )


def body_of(content: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert isinstance(message, EmailMessage)
    return message


def _signature(value: str) -> Signature | None:
    try:
        tags = tags_of(re.sub(r"\s+", "", value))
        return Signature(
            tags["d"].lower(), tags["s"].lower(), frozenset(items(tags["h"])), "l" in tags
        )
    except (ValueError, KeyError):
        return None


def _ip(value: str) -> str:
    found = _CLIENT.search(value)
    try:
        return str(ip_address(found.group(1).rstrip(";."))) if found else ""
    except ValueError:
        return ""
