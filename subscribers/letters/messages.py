"""What each letter says.

Each kind has a folder of templates, ``templates/subscribers/letters/<kind>/``, with its subject,
text and HTML, and an entry in `_CONTEXTS`. No letter contains text that somebody typed: the sign-up
form would otherwise deliver other people's spam.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from subscribers import addresses, links
from subscribers.joining import address_change
from subscribers.models import Letter, Link
from subscribers.wishes import following

# Control characters, line separators and direction marks, none of which belong in a header.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class UnsafeLetter(ValueError):
    """The message might go to somebody else or break its own headers. It is not sent."""


def addressee(letter: Letter) -> str:
    return letter.to or letter.subscriber.email


def addressee_hash(letter: Letter) -> str:
    return addresses.hashed(letter.to) if letter.to else letter.subscriber.address_hash


def build(letter: Letter, now: datetime) -> EmailMultiAlternatives:
    """Return the letter as a message in its reader's language.

    Its links are created now, for this message: only their hashes are stored.
    """
    with translation.override(letter.language):
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
        "Content-Language": letter.language,
        # Tells mailbox providers that a web form caused this mail, so that they can notice when
        # somebody enters one address into a thousand forms (draft-levine-mailbomb-header).
        "Form-Sub": "v=1",
    }
    message: EmailMultiAlternatives = AnymailMessage(
        subject=render_to_string(f"{folder}/subject.txt", context).strip(),
        body=render_to_string(f"{folder}/body.txt", context),
        to=[addressee(letter)],
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
        "link": links.issue(
            subscriber, Link.Purpose.CONFIRM, links.CONFIRM_LIFETIME, now, letter.wishes
        ),
        "refuse_link": links.issue(subscriber, Link.Purpose.REFUSE, links.REFUSE_LIFETIME, now),
    }


def _known(letter: Letter, now: datetime) -> dict[str, str]:
    links.ensure([letter.subscriber], now)
    reader = letter.subscriber
    link = links.preferences_url(reader.pk, now, reader.links_generation)
    author = following.offer((letter.wishes or {}).get("author", ""))
    return {"link": link, "follow_link": f"{link}/follow?author={quote(author)}" if author else ""}


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
    """It goes to the former mailbox, and gets the way out that went there before."""
    reader = letter.subscriber
    return {
        "new_address": reader.masked_email,
        "unsubscribe_url": links.unsubscribe_url(reader.pk, max(reader.links_generation - 1, 0)),
    }


_CONTEXTS: dict[str, Callable[[Letter, datetime], dict[str, str]]] = {
    Letter.Kind.CONFIRM: _confirm,
    Letter.Kind.KNOWN: _known,
    Letter.Kind.LINK: _link,
    Letter.Kind.CHANGE: _change,
    Letter.Kind.CHANGED: _changed,
}


def _message_id(letter: Letter) -> str:
    """The same for every attempt, so that mailboxes can spot a second copy. Names no host."""
    seed = f"{letter.pk} {letter.created_at.isoformat()}"
    return f"<c.{letter.pk}.{hashlib.sha256(seed.encode()).hexdigest()[:8]}@{settings.MAIL_DOMAIN}>"
