"""Unsubscribing a reader, and undoing it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from anymail.inbound import AnymailInboundMessage
from django.conf import settings
from django.db import transaction

from subscribers import links, sign_offs
from subscribers.models import Consent, Link, Subscriber, Suppression
from subscribers.wishes import preferences

# How long a reader who left can come back with one click.
UNDO_FOR = timedelta(days=7)
# Acts by the reader. Complaints come from the mailbox provider, refusals from the address's owner.
LEFT_BY_CHOICE = frozenset({Consent.Act.UNSUBSCRIBED, Consent.Act.ONE_CLICK, Consent.Act.BY_MAIL})
# The headers that may name the address to which a mail was sent at first.
ADDRESSED = (
    *("to", "cc", "bcc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"),
    *("resent-to", "x-forwarded-to", "x-delivered-to", "original-recipient"),
)
_MOST_TOKENS = 10
# The headers that tell who wrote a mail.
_TELLING = ("auto-submitted", "precedence", "content-type", "in-reply-to", "references")


@transaction.atomic
def unsubscribe(subscriber: Subscriber, act: Consent.Act, now: datetime) -> bool:
    """Stop all mail to this reader. Returns whether anything changed.

    Safe to repeat: only the first call adds a consent row. Waiting digests are skipped at
    hand-over, where the state is checked again.
    """
    locked = Subscriber.objects.select_for_update(no_key=True)
    present = locked.exclude(state=Subscriber.State.UNSUBSCRIBED)
    reader = present.filter(pk=subscriber.pk).first()
    if reader is None:
        return False
    reader.state, reader.unsubscribed_at = Subscriber.State.UNSUBSCRIBED, now
    preferences.reschedule(reader, now)
    reader.save(update_fields=["state", "unsubscribed_at", "next_due_at", "next_due_on"])
    Consent.objects.create(subscriber=reader, address_hash=reader.address_hash, act=act, at=now)
    sign_offs.note(reader.address_hash, sign_offs.LEFT, now, act)
    links.revoke_confirmations(reader)
    return True


# --- afterwards ----------------------------------------------------------------------------
def can_resume(subscriber: Subscriber, now: datetime) -> bool:
    """Return whether one click may bring the reader back: they left by choice, within `UNDO_FOR`.

    Complaints and bounces cannot be undone this way. Somebody who never confirmed their sign-up
    has nothing to come back to.
    """
    left_at = subscriber.unsubscribed_at
    if subscriber.state != Subscriber.State.UNSUBSCRIBED or not subscriber.confirmed_at:
        return False
    if left_at is None or left_at <= now - UNDO_FOR:
        return False
    if Suppression.objects.filter(address_hash=subscriber.address_hash).exists():
        return False
    last = leaving_of(subscriber)
    return last is not None and last.act in LEFT_BY_CHOICE


@transaction.atomic
def resume(subscriber: Subscriber, now: datetime) -> bool:
    """Undo the unsubscription if `can_resume` allows it. Returns whether anything changed."""
    reader = Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()
    if reader is None or not can_resume(reader, now):
        return False
    preferences.change(reader, now, state=Subscriber.State.ACTIVE, unsubscribed_at=None)
    Consent.objects.create(
        subscriber=reader, address_hash=reader.address_hash, act=Consent.Act.RESUMED, at=now
    )
    sign_offs.note(reader.address_hash, sign_offs.BACK, now)
    return True


def leaving_of(subscriber: Subscriber) -> Consent | None:
    """Return the consent row with which the reader left, or None if they have not left."""
    if subscriber.state != Subscriber.State.UNSUBSCRIBED:
        return None
    return Consent.objects.filter(subscriber=subscriber).order_by("-at", "-pk").first()


def give_reason(subscriber: Subscriber, reason: Consent.Reason) -> None:
    """Store why the reader left. Only the first reason counts, so no visitor can change it."""
    leaving = leaving_of(subscriber)
    if leaving is not None:
        Consent.objects.filter(pk=leaving.pk, reason="").update(reason=reason)


# --- by mail -------------------------------------------------------------------------------
def by_mail(message: AnymailInboundMessage, now: datetime) -> bool:
    """Unsubscribe the reader whose token is in the recipient address.

    Only the token counts, because anybody can forge the sender of a mail. Automatic replies and
    bounces are ignored: they do not express a reader's wish. Returns whether anything changed.
    """
    if is_automatic(message):
        return False
    for token in _tokens_in(message):
        with suppress(links.BadLink):
            link = links.find(token, Link.Purpose.UNSUBSCRIBE, now)
            return unsubscribe(link.subscriber, Consent.Act.BY_MAIL, now)
    return False


def _tokens_in(message: AnymailInboundMessage) -> Iterator[str]:
    """Yield what stands in the place of a token in an address that the mail went to.

    As it is, and in lower case: mail servers may change the case of an address, and the tokens of
    old mails have capitals. The domain says nothing: mail may have been forwarded to us.
    """
    mailbox = settings.MAIL_UNSUBSCRIBE.rpartition("@")[0]
    if not mailbox:
        return
    # Programs that take the address for part of a URL change its "+".
    written = re.escape(f"{mailbox}+").replace(r"\+", r"(?:\+|%2b|\s)")
    ours = re.compile(rf'(?<![\w.+-]){written}([\w-]{{16,64}})["=@]', re.ASCII | re.IGNORECASE)
    named = (value for name in ADDRESSED for value in _raw(message, name))
    for text in (str(message.envelope_recipient or ""), *named):
        for found in islice(ours.finditer(text), _MOST_TOKENS):
            yield from (found[1], found[1].lower())


def is_automatic(message: AnymailInboundMessage) -> bool:
    """Return whether an autoresponder or a mail server wrote this mail.

    Checks for RFC 3834, for RFC 3464, and for the headers that older autoresponders set. A mail
    that a program makes when its user presses "unsubscribe" may call itself generated, and answers
    nothing.
    """
    said = {name: " ".join(_raw(message, name)).strip().lower() for name in _TELLING}
    submitted = said["auto-submitted"].partition(";")[0].split()[:1] or ["no"]
    is_answer = bool(said["in-reply-to"] or said["references"]) or "(" in said["auto-submitted"]
    return (
        (submitted[0] == "auto-generated" and is_answer)
        or submitted[0] not in {"no", "auto-generated"}
        or said["precedence"] == "auto_reply"
        or message.envelope_sender in {"", "<>"}  # a bounce (RFC 5321 §4.5.5)
        or said["content-type"].startswith(("multipart/report", "message/delivery-status"))
        or any(name in message for name in ("X-Autoreply", "X-Autorespond"))
    )


def _raw(message: AnymailInboundMessage, name: str) -> Iterator[str]:
    """Yield the values of a header as they stand there: reading odd ones fails in many ways."""
    return (str(value) for key, value in message.raw_items() if key.lower() == name)
