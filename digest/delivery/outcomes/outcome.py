"""What can become of one hand-over, and what a refusal can be about."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

_ADDRESS = re.compile(r"[^\s<>\"',;:()]+@[^\s<>\"',;:()]+")


class Verdict(Enum):
    SENT = "sent"
    RETRY = "retry"  # surely not accepted, but may be later
    FAILED = "failed"  # surely not accepted, and never will be
    STOP = "stop"  # surely not accepted, and the next one will not be either: the run stops
    UNCERTAIN = "uncertain"  # may have been accepted


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one hand-over. `detail` holds no address and fits the digest's row.

    `wait` is how long the mail service asked us to leave it alone. `is_spent` is False if the
    answer was about the mailbox provider and not about this digest, so that the attempt does not
    count. `is_bad_address` says that the address itself was refused and should be suppressed;
    `is_suspect` that it may have been, which only counts once it repeats.
    """

    verdict: Verdict
    detail: str = ""
    message_id: str = ""
    wait: timedelta | None = None
    is_spent: bool = True
    is_bad_address: bool = False
    is_suspect: bool = False


class Meaning(Enum):
    """What a refusal is about. Only ADDRESS and, if it repeats, SUSPECT say anything about the
    reader's address."""

    ADDRESS = "the address is bad"
    SUSPECT = "the address may be bad"
    READER = "this mailbox does not take it; the address is good"
    MESSAGE = "this one message"
    US = "our account, our settings or our host: an operator has to act"
    US_FOR_NOW = "our account, for a while"
    BUSY = "the mailbox provider asks for patience"
    LATER = "this digest, for now"
    DOUBT = "it may have been accepted"
    UNKNOWN = "nobody knows what it is about"


# How long a limit of ours lasts when nobody says so: one that is counted by the hour or the day,
# and any other.
LONG_LIMIT = timedelta(minutes=15)
SHORT_LIMIT = timedelta(minutes=1)
_COUNTED = re.compile(r"\b(dail|day|hour|month|quota|credit|plan\b)", re.IGNORECASE)

_VERDICTS = {
    Meaning.US: Verdict.STOP,
    Meaning.US_FOR_NOW: Verdict.RETRY,
    Meaning.BUSY: Verdict.RETRY,
    Meaning.LATER: Verdict.RETRY,
    Meaning.DOUBT: Verdict.UNCERTAIN,
}


def refusal(meaning: Meaning, detail: str, *, wait: timedelta | None = None) -> Outcome:
    """The outcome of a refusal that means this. `wait` counts only for a limit of ours."""
    if meaning is Meaning.US_FOR_NOW:
        wait = wait or (LONG_LIMIT if _COUNTED.search(detail) else SHORT_LIMIT)
    else:
        wait = None
    return Outcome(
        _VERDICTS.get(meaning, Verdict.FAILED),
        detail,
        wait=wait,
        is_spent=meaning is not Meaning.BUSY,
        is_bad_address=meaning is Meaning.ADDRESS,
        is_suspect=meaning is Meaning.SUSPECT,
    )


def without_addresses(text: str) -> str:
    """The text as a row can hold it.

    An answer may quote the reader's address, and more people read a row than a mail. PostgreSQL
    cannot store NUL.
    """
    return _ADDRESS.sub("<address>", " ".join(text.replace("\0", "").split()))[:300]


def detail_of(error: BaseException) -> str:
    return without_addresses(f"{type(error).__name__}: {error}")


# What differs between two readers' copies of one text: numbers, and the ids of sessions and
# messages, which have digits in them, or stand in brackets.
_ID = re.compile(r"<[^>]*>|\[[^\]]*\]|\([^)]*\)|[\w.:/=+-]*\d[\w.:/=+-]*|https?:\S*")
_CODE = re.compile(r"\b(?:[245]\d\d|[245]\.\d{1,3}\.\d{1,3})\b(?![.\w-])")


def sameness(detail: str) -> str:
    """What two details have in common if the service said the same to two readers."""
    codes = " ".join(_CODE.findall(detail)[:2])
    return f"{codes} {' '.join(_ID.sub(' ', detail).lower().split())}".strip()
