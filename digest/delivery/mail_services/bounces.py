"""What an event says about an address: that it will never work, that it may, or nothing at all.

anymail calls every bounce "bounced", and a service's own words have to tell them apart. In go an
event and the service's `Bounces`; out comes what to believe of it (`Told`). What is not surely a
hard bounce is a soft one, and a mail that was refused for what we are or wrote is a block: it says
nothing about the address, however often it is repeated.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason

from digest.delivery.outcomes import Meaning, words

# The values that an event must have, by their paths in it, such as "bounce.bounceType": one of them
# at each path. Upper and lower case are alike.
Pattern = Mapping[str, Set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounces:
    """How one service's raw events say what became of a mail, as alternative patterns.

    `hard`    the address will never work
    `final`   the service has given up; the address is at fault if the server's reply says so
    `blocks`  the mail was refused for what we are or wrote, whatever anymail calls the event
    """

    hard: Sequence[Pattern] = ()
    final: Sequence[Pattern] = ()
    blocks: Sequence[Pattern] = ()


class Told(NamedTuple):
    """What to believe of an event: anymail's words for its kind and reason, and whether the address
    will never work."""

    kind: str
    reject_reason: str
    is_permanent: bool = False


# Kinds that a service may mean as a bounce or as a block.
_UNDELIVERED = frozenset({EventType.BOUNCED, EventType.REJECTED, EventType.FAILED})
_BLOCKED = frozenset({RejectReason.BLOCKED, RejectReason.SPAM, RejectReason.UNSUBSCRIBED})
# An enhanced status code (RFC 3463 §2), not an IP address, and what stands before it.
_STATUS = re.compile(r"^.*?(?<![\d.])([245])\.(\d{1,3}\.\d{1,3})(?!\.?\d)[\s:-]*", re.DOTALL)
_REPLY = re.compile(r"^(?:smtp;)?\s*[245]\d\d[\s:-]+", re.IGNORECASE)
_POLICY = re.compile("polic|spam|block|relay", re.IGNORECASE)


def told_by(event: AnymailTrackingEvent, bounces: Bounces) -> Told:
    """What to believe of an event by what the service itself and the reader's server say."""
    raw = event.esp_event if isinstance(event.esp_event, Mapping) else {}
    reason = str(event.reject_reason or "")
    if _matches(raw, bounces.blocks):
        return Told(EventType.REJECTED, RejectReason.BLOCKED)
    if event.event_type not in _UNDELIVERED:
        return Told(event.event_type, reason)
    fault = _fault_of(_text(event.mta_response), _text(event.description))
    if event.event_type == EventType.BOUNCED and (reason in _BLOCKED or fault is Meaning.US):
        return Told(EventType.REJECTED, reason if reason in _BLOCKED else RejectReason.BLOCKED)
    is_surely = _matches(raw, bounces.hard) and fault in {Meaning.UNKNOWN, Meaning.SUSPECT}
    is_final = _matches(raw, [*bounces.hard, *bounces.final])
    if is_surely or (is_final and fault is Meaning.ADDRESS):
        return Told(EventType.BOUNCED, reason or RejectReason.BOUNCED, is_permanent=True)
    return Told(event.event_type, reason)


def _fault_of(reply: str, description: str) -> Meaning:
    """What the reply of the reader's server says it is about: ADDRESS, SUSPECT, READER (it may work
    later), US (or what we wrote), or UNKNOWN. The words of the service's own description are
    advice, and only a status code counts there."""
    said = reply if reply or not _STATUS.match(description) else description
    status = _STATUS.match(said)
    if status is None:
        meaning = words.about(_REPLY.sub("", said)) if reply else Meaning.UNKNOWN
    elif status.group(1) != "5" or status.group(2) == "4.1":
        return Meaning.READER  # it may work later, or Microsoft 365 means something else by it
    else:
        meaning = words.about(said[status.end() :], status.group(2))
        if meaning is not Meaning.ADDRESS and status.group(2).startswith("7."):
            return Meaning.US
    if meaning is Meaning.READER:
        return Meaning.US if _POLICY.search(said) else Meaning.READER
    is_ours = meaning in {Meaning.US, Meaning.US_FOR_NOW, Meaning.MESSAGE}
    return Meaning.US if is_ours else meaning


def _text(value: Any) -> str:
    return value[:2000] if isinstance(value, str) else ""


def _matches(raw: Mapping[str, Any], patterns: Sequence[Pattern]) -> bool:
    return any(
        all(_at(raw, path) in map(str.lower, wanted) for path, wanted in pattern.items())
        for pattern in patterns
    )


def _at(raw: Any, path: str) -> str:
    """The value at a path of the raw event, in lower case; "" if there is none."""
    for key in path.split("."):
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return str(raw).lower() if isinstance(raw, str | int) else ""
