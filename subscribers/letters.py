"""Letters: the few mails about the subscription itself, sent from an outbox table.

Each kind of letter has a folder of templates, ``templates/subscribers/letters/<kind>/``, with its
subject, text and HTML, and an entry in `_CONTEXTS`. No letter contains text that somebody typed:
the sign-up form would otherwise deliver other people's spam.
"""

import hashlib
import logging
import re
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from anymail.exceptions import AnymailError, AnymailRecipientsRefused
from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from subscribers.models import Letter, Link, Subscriber

from . import addresses, links
from .joining import abuse, address_change
from .leaving import suppression

logger = logging.getLogger(__name__)

ATTEMPTS = 8
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
# Longer than the sending task may run, so that no other worker takes a letter it holds.
LEASE = timedelta(minutes=10)

# Control characters, line separators and direction marks, none of which belong in a header.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class UnsafeLetter(ValueError):
    """The message might go to somebody else or break its own headers. It is not sent."""


@dataclass(slots=True)
class LetterCounts:
    """What happened to the letters of one run."""

    sent: int = 0
    postponed: int = 0
    given_up: int = 0

    def add(self, outcome: str) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)


def send_waiting(now: datetime, limit: int) -> LetterCounts:
    """Send up to `limit` due letters, oldest first, and return what happened to them.

    Call it outside a transaction: each letter is claimed, sent and marked in turn. Any number of
    workers may do so at once. If a worker is killed, its letter is sent again after the lease, so
    it may arrive twice. Letters over a rate limit wait for their turn, and all letters wait while
    Redis is down and nothing can be counted.
    """
    counts = LetterCounts()
    for _ in range(limit):
        letter = _claim(now)
        if letter is None:
            break
        try:
            counts.add(_process(letter, now))
        except abuse.CannotCount:
            _keep_back(letter, now + FIRST_WAIT, "Redis is down, so nothing can be counted")
            counts.postponed += 1
            break
    return counts


def is_any_due(now: datetime) -> bool:
    """Whether `send_waiting` would find a letter."""
    return Letter.objects.waiting().filter(next_attempt_at__lte=now).exists()


def _process(letter: Letter, now: datetime) -> str:
    """Send this letter, or do not. Returns the field of `LetterCounts` that it belongs to."""
    if suppression.is_forbidden(_addressee_hash(letter)):
        _give_up(letter, now, "the address is suppressed")
        _forget_pending(letter.subscriber)
        return "given_up"
    try:
        decision = _decide(letter)
        if decision == abuse.CapDecision.SEND:
            send(letter, now)
    except (OSError, AnymailError, ValueError) as error:
        if _is_permanent(error) or letter.attempts >= ATTEMPTS:
            _give_up(letter, now, type(error).__name__)
            return "given_up"
        _postpone(letter, now, type(error).__name__)
        return "postponed"
    if decision == abuse.CapDecision.NEVER:
        _give_up(letter, now, "the mailbox has had enough letters")
        return "given_up"
    if decision == abuse.CapDecision.LATER:
        _keep_back(letter, now + LONGEST_WAIT, "too many letters are going out")
        return "postponed"
    letter.sent_at = now
    letter.save(update_fields=["sent_at"])
    return "sent"


def send(letter: Letter, now: datetime) -> None:
    """Build the letter and hand it to the mail service. Stores its links; does not mark it sent.

    Raises whatever the mail backend raises, and `UnsafeLetter` or `InvalidAddress`.
    """
    message = build(letter, now)
    check(message)
    message.send()


def _addressee(letter: Letter) -> str:
    return letter.to or letter.subscriber.email


def _addressee_hash(letter: Letter) -> str:
    return addresses.hashed(letter.to) if letter.to else letter.subscriber.address_hash


def build(letter: Letter, now: datetime) -> EmailMultiAlternatives:
    """Return the letter as a message in its reader's language.

    Its links are created now, for this message: only their hashes are stored.
    """
    with translation.override(letter.subscriber.language):
        return _build(letter, now)


def _build(letter: Letter, now: datetime) -> EmailMultiAlternatives:
    context = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        **_CONTEXTS[letter.kind](letter, now),
    }
    folder = f"subscribers/letters/{letter.kind}"
    headers = {
        "Message-ID": _message_id(letter),
        "Auto-Submitted": "auto-generated",  # RFC 3834: autoresponders do not reply
        "X-Auto-Response-Suppress": "All",
        "Content-Language": letter.subscriber.language,
        # Tells mailbox providers that a web form caused this mail, so that they can notice when
        # somebody enters one address into a thousand forms (draft-levine-mailbomb-header).
        "Form-Sub": "v=1",
    }
    message: EmailMultiAlternatives = AnymailMessage(
        subject=render_to_string(f"{folder}/subject.txt", context).strip(),
        body=render_to_string(f"{folder}/body.txt", context),
        to=[_addressee(letter)],
        reply_to=[settings.MAIL_REPLY_TO] if settings.MAIL_REPLY_TO else None,
        headers=headers,
        # Mail services that support metadata return it with events, which identifies the letter.
        metadata={"letter": str(letter.pk)},
    )
    message.attach_alternative(render_to_string(f"{folder}/body.html", context), "text/html")
    return message


def check(message: EmailMessage) -> None:
    """Raise `UnsafeLetter` or `InvalidAddress` unless the message goes to one plain address.

    Mail libraries read ``a@x.org, b@y.org`` or a line break in a recipient as two recipients, and
    anymail passes line breaks in headers on to some mail services.
    """
    recipients = message.recipients()
    if len(recipients) != 1 or addresses.parse(recipients[0]).deliver_to != recipients[0]:
        raise UnsafeLetter("a letter must have exactly one recipient, a plain address")
    headers = message.extra_headers
    for value in (message.subject, message.from_email, *headers, *headers.values()):
        if _UNSAFE.search(str(value)):
            raise UnsafeLetter("a header contains a control character")


# --- what differs from letter to letter ----------------------------------------------------
def _confirm(letter: Letter, now: datetime) -> dict[str, str]:
    subscriber = letter.subscriber
    return {
        "link": links.issue(subscriber, Link.Purpose.CONFIRM, links.CONFIRM_LIFETIME, now),
        "refuse_link": links.issue(subscriber, Link.Purpose.REFUSE, links.REFUSE_LIFETIME, now),
    }


def _known(letter: Letter, now: datetime) -> dict[str, str]:
    links.ensure([letter.subscriber], now)
    return {"link": links.preferences_url(letter.subscriber_id, now)}


def _link(letter: Letter, now: datetime) -> dict[str, str]:
    purpose = Link.Purpose.PREFERENCES
    return {"link": links.issue(letter.subscriber, purpose, links.FRESH_LIFETIME, now)}


def _change(letter: Letter, now: datetime) -> dict[str, str]:
    """No link if the address already gets digests of its own: the letter then says so instead."""
    if address_change.is_taken(letter.subscriber, addresses.hashed(letter.to)):
        return {"link": ""}
    link = address_change.link_for(letter, now)
    if link is None:
        raise UnsafeLetter("the reader has asked for another address since")
    return {"link": link}


def _changed(letter: Letter, now: datetime) -> dict[str, str]:
    links.ensure([letter.subscriber], now)
    return {
        "new_address": letter.subscriber.masked_email,
        "unsubscribe_url": links.unsubscribe_url(letter.subscriber_id),
    }


_CONTEXTS: dict[str, Callable[[Letter, datetime], dict[str, str]]] = {
    Letter.Kind.CONFIRM: _confirm,
    Letter.Kind.KNOWN: _known,
    Letter.Kind.LINK: _link,
    Letter.Kind.CHANGE: _change,
    Letter.Kind.CHANGED: _changed,
}


# Anybody can trigger these, for any address. The others go to somebody who holds a link.
_CAPPED = frozenset({Letter.Kind.CONFIRM, Letter.Kind.KNOWN, Letter.Kind.CHANGE})


def _message_id(letter: Letter) -> str:
    """The same for every attempt, so that mailboxes can spot a second copy. Names no host."""
    seed = f"{letter.pk} {letter.created_at.isoformat()}"
    return f"<c.{letter.pk}.{hashlib.sha256(seed.encode()).hexdigest()[:8]}@{settings.MAIL_DOMAIN}>"


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


def _give_up(letter: Letter, now: datetime, reason: str) -> None:
    letter.given_up_at = now
    letter.save(update_fields=["given_up_at"])
    logger.warning("Letter %s given up: %s", letter.pk, reason)


def _forget_pending(subscriber: Subscriber) -> None:
    """Delete the unconfirmed sign-up of somebody who does not want our mail."""
    Subscriber.objects.filter(pk=subscriber.pk, state=Subscriber.State.PENDING).delete()


def _decide(letter: Letter) -> abuse.CapDecision:
    """Ask the rate limits, unless this letter was tried before: it was counted then."""
    if letter.attempts > 1 or letter.kind not in _CAPPED:
        return abuse.CapDecision.SEND
    return abuse.decide(_addressee(letter), letter.kind)


def _is_permanent(error: Exception) -> bool:
    """Return whether another attempt would fail in the same way.

    smtplib raises OSError, anymail raises AnymailError; a ValueError is ours or Django's and means
    that the message must not go out.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, AnymailRecipientsRefused | UnsafeLetter | addresses.InvalidAddress)
