"""Letters: the few mails about the subscription itself, sent from an outbox table.

``messages`` says what each letter says, ``carrier`` who carries it. The rules are those of the
digests: what holds the mail service, or is about us, costs a letter no attempt; one that may have
gone out gets one more try at most, because somebody waits for it, and then counts as sent.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db import transaction

from subscribers import addresses
from subscribers.joining import abuse
from subscribers.leaving import suppression
from subscribers.models import Letter, Subscriber

from .carrier import Answer, Carrier, Fate, new_carrier
from .messages import UnsafeLetter, addressee, addressee_hash, build, check

__all__ = ["LetterCounts", "UnsafeLetter", "build", "check", "is_any_due", "send", "send_waiting"]

logger = logging.getLogger(__name__)

ATTEMPTS = 8
# How often a letter is handed over whose hand-overs nobody knows the end of.
DOUBTS = 2
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
# A server that answers late may still be busy with the first copy.
DOUBT_WAIT = timedelta(minutes=10)
# Longer than the sending task may run, so that no other worker takes a letter it holds.
LEASE = timedelta(minutes=10)

# Anybody can trigger these, for any address. The others go to somebody who holds a link.
_CAPPED = frozenset({Letter.Kind.CONFIRM, Letter.Kind.KNOWN, Letter.Kind.CHANGE})


@dataclass(slots=True)
class LetterCounts:
    """What happened to the letters of one run."""

    sent: int = 0
    postponed: int = 0
    given_up: int = 0

    def add(self, outcome: str) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)


class _Held(Exception):
    """No letter can go out now."""

    def __init__(self, reason: str, wait: timedelta) -> None:
        super().__init__(reason)
        self.reason, self.wait = reason, wait


def send_waiting(now: datetime, limit: int) -> LetterCounts:
    """Send up to `limit` due letters, oldest first, and return what happened to them.

    Call it outside a transaction: each letter is claimed, sent and marked in turn. Any number of
    workers may do so at once. If a worker is killed, its letter may be sent again after the lease,
    once. Letters over a rate limit wait for their turn, and all letters wait while Redis is down
    and nothing can be counted, or while the mail service is held or cannot be reached.
    """
    counts = LetterCounts()
    with new_carrier() as carrier:
        for _ in range(limit):
            letter = _claim(now)
            if letter is None:
                break
            try:
                counts.add(_process(letter, now, carrier))
            except _Held as held:
                _keep_back(letter, now + held.wait, held.reason)
                _keep_all_back(now, now + held.wait)
                counts.postponed += 1
                break
    return counts


def is_any_due(now: datetime) -> bool:
    """Whether `send_waiting` would find a letter."""
    return Letter.objects.waiting().filter(next_attempt_at__lte=now).exists()


def send(letter: Letter, now: datetime, carrier: Carrier | None = None) -> Answer:
    """Build the letter and hand it to the mail service. Stores its links; does not mark it sent.

    Raises `UnsafeLetter`, `InvalidAddress`, or another ValueError of whoever builds the message.
    """
    if carrier is None:
        with new_carrier() as own:
            return own.is_ready() or send(letter, now, own)
    message = _built(letter, now)
    check(message)
    _note_doubt(letter, 1)
    return carrier.carry(message)


@transaction.atomic
def _built(letter: Letter, now: datetime) -> EmailMessage:
    """Build the letter for the address that the reader has now. They may have moved since it was
    claimed, and whoever reads the former mailbox must not get the links in it."""
    locked = Subscriber.objects.select_for_update(no_key=True)
    letter.subscriber = locked.get(pk=letter.subscriber_id)
    return build(letter, now)


def _process(letter: Letter, now: datetime, carrier: Carrier) -> str:
    """Send this letter, or do not. Returns the field of `LetterCounts` that it belongs to."""
    if letter.doubts >= DOUBTS:
        return _assume_sent(letter, now)
    if suppression.is_forbidden(addressee_hash(letter)):
        _give_up(letter, now, "the address is suppressed")
        _forget_pending(letter.subscriber)
        return "given_up"
    if held := carrier.is_ready():
        raise _Held(held.detail, held.wait)
    try:
        decision = _decide(letter)
        if decision == abuse.CapDecision.SEND:
            return _settle(letter, now, send(letter, now, carrier))
    except abuse.CannotCount as error:
        raise _Held("Redis is down, so nothing can be counted", FIRST_WAIT) from error
    except ValueError as error:
        # Nothing was handed over.
        is_final = isinstance(error, UnsafeLetter | addresses.InvalidAddress)
        return _try_later(letter, now, type(error).__name__, is_final=is_final)
    if decision == abuse.CapDecision.NEVER:
        _give_up(letter, now, "the mailbox has had enough letters")
        return "given_up"
    _keep_back(letter, now + LONGEST_WAIT, "too many letters are going out")
    return "postponed"


def _settle(letter: Letter, now: datetime, answer: Answer) -> str:
    """Store what became of a letter. Returns the field of `LetterCounts` that it belongs to."""
    if answer.fate is Fate.DOUBT:
        return _settle_doubt(letter, now, answer.detail)
    _note_doubt(letter, -1)
    match answer.fate:
        case Fate.SENT:
            _mark_sent(letter, now)
            return "sent"
        case Fate.HELD:
            raise _Held(answer.detail, answer.wait)
        case Fate.KEPT:
            _keep_back(letter, now + answer.wait, answer.detail)
            return "postponed"
    return _try_later(letter, now, answer.detail, is_final=answer.fate is Fate.REFUSED)


def _settle_doubt(letter: Letter, now: datetime, reason: str) -> str:
    if letter.doubts >= DOUBTS:
        return _assume_sent(letter, now)
    letter.next_attempt_at = now + DOUBT_WAIT
    letter.save(update_fields=["next_attempt_at"])
    logger.warning("Letter %s may have gone out; it is tried once more: %s", letter.pk, reason)
    return "postponed"


def _try_later(letter: Letter, now: datetime, reason: str, *, is_final: bool) -> str:
    """Postpone the letter, or give it up after the last attempt."""
    if is_final or letter.attempts >= ATTEMPTS:
        _give_up(letter, now, reason)
        return "given_up"
    _postpone(letter, now, reason)
    return "postponed"


def _decide(letter: Letter) -> abuse.CapDecision:
    """Ask the rate limits, unless they have counted this letter already."""
    if letter.is_counted or letter.kind not in _CAPPED:
        return abuse.CapDecision.SEND
    decision = abuse.decide(addressee(letter), letter.kind)
    if decision == abuse.CapDecision.SEND:
        letter.is_counted = True
        letter.save(update_fields=["is_counted"])
    return decision


# --- the row -------------------------------------------------------------------------------
@transaction.atomic
def _claim(now: datetime) -> Letter | None:
    """Claim the oldest due letter for the length of a lease. This counts as an attempt."""
    letter: Letter | None = (
        Letter.objects.waiting()
        .filter(next_attempt_at__lte=now)
        .select_related("subscriber")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("next_attempt_at", "pk")
        .first()
    )
    if letter is not None:
        letter.attempts += 1
        letter.next_attempt_at = now + LEASE
        letter.save(update_fields=["attempts", "next_attempt_at"])
    return letter


def _note_doubt(letter: Letter, number: int) -> None:
    """Count a hand-over that begins, or no longer one that ended surely. A worker that is killed in
    between leaves it counted."""
    letter.doubts += number
    letter.save(update_fields=["doubts"])


def _mark_sent(letter: Letter, now: datetime) -> None:
    letter.sent_at = now
    letter.save(update_fields=["sent_at"])


def _assume_sent(letter: Letter, now: datetime) -> str:
    _mark_sent(letter, now)
    logger.warning("Letter %s may have gone out twice; it is taken for sent", letter.pk)
    return "sent"


def _postpone(letter: Letter, now: datetime, reason: str) -> None:
    wait = min(FIRST_WAIT * 2 ** (letter.attempts - 1), LONGEST_WAIT)
    letter.next_attempt_at = now + wait
    letter.save(update_fields=["next_attempt_at"])
    logger.warning("Letter %s is retried in %s after %s", letter.pk, wait, reason)


def _keep_back(letter: Letter, until: datetime, reason: str) -> None:
    """Make the letter wait without counting an attempt: nothing was tried."""
    letter.attempts -= 1
    letter.next_attempt_at = until
    letter.save(update_fields=["attempts", "next_attempt_at"])
    logger.warning("Letter %s is kept back: %s", letter.pk, reason)


def _keep_all_back(now: datetime, until: datetime) -> None:
    """Make all that are due wait, which would only find the same."""
    due = Letter.objects.waiting().filter(next_attempt_at__lte=now)
    due.update(next_attempt_at=until)


def _give_up(letter: Letter, now: datetime, reason: str) -> None:
    letter.given_up_at = now
    letter.save(update_fields=["given_up_at"])
    logger.warning("Letter %s given up: %s", letter.pk, reason)


def _forget_pending(subscriber: Subscriber) -> None:
    """Delete the unconfirmed sign-up of somebody who does not want our mail."""
    Subscriber.objects.filter(pk=subscriber.pk, state=Subscriber.State.PENDING).delete()
