"""Links in mails. Each has a token in its path and one purpose, and is stored as a SHA-256 hash.

Links in letters are random. The links in a digest are derived from LINK_KEY, so rendering one needs
no query; `ensure` stores their hashes once per month and reader. Derived links are looked up,
expire and can be revoked like random ones, and links in old mails keep working when LINK_KEY
changes.

Read in this order: ``tokens``, ``derived``, and this module, which finds links and makes random
ones.
"""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from subscribers.models import Link, Subscriber

from .derived import (
    Monthly,
    beside,
    ensure,
    epoch,
    is_readers_own,
    monthly,
    preferences_url,
    unsubscribe_address,
    unsubscribe_token,
    unsubscribe_url,
)
from .tokens import hashed, url

__all__ = [
    "CHANGE_LIFETIME",
    "CONFIRM_LIFETIME",
    "FRESH_LIFETIME",
    "REFUSE_LIFETIME",
    "BadLink",
    "ExpiredLink",
    "Monthly",
    "beside",
    "ensure",
    "epoch",
    "find",
    "is_fresh",
    "is_readers_own",
    "issue",
    "issue_for_good",
    "monthly",
    "preferences_url",
    "revoke",
    "revoke_all_but_leaving",
    "revoke_confirmations",
    "unsubscribe_address",
    "unsubscribe_token",
    "unsubscribe_url",
    "url",
]

CONFIRM_LIFETIME = timedelta(hours=48)
REFUSE_LIFETIME = timedelta(days=30)
CHANGE_LIFETIME = timedelta(hours=48)
FRESH_LIFETIME = timedelta(hours=24)


class BadLink(Exception):
    """No such link: it was truncated, revoked, or never existed. Show the reader a page."""


class ExpiredLink(BadLink):
    """The link has expired. Show a page that tells the reader how to get a new one."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self.link = link


def find(token: str, purpose: Link.Purpose, now: datetime) -> Link:
    """Return the link, with its subscriber loaded. Raises `BadLink` or `ExpiredLink`.

    Mail programs add a closing bracket, a full stop or ``=3D`` to links, so anything after the
    token's own characters is ignored.
    """
    match = re.match(r"[\w-]*", token.strip(), re.ASCII)
    clean = match.group() if match else ""
    link = (
        Link.objects.select_related("subscriber")
        .filter(token_hash=hashed(clean), purpose=purpose)
        .first()
    )
    if link is None:
        raise BadLink
    if link.expires_at is not None and link.expires_at <= now:
        raise ExpiredLink(link)
    return link


def issue(
    subscriber: Subscriber,
    purpose: Link.Purpose,
    lifetime: timedelta,
    now: datetime,
    wishes: dict[str, Any] | None = None,
) -> str:
    """Create a link and return its URL. The URL cannot be read back: only its hash is stored."""
    token = secrets.token_urlsafe(24)
    Link.objects.create(
        token_hash=hashed(token),
        purpose=purpose,
        subscriber=subscriber,
        address_hash=subscriber.address_hash,
        wishes=wishes,
        created_at=now,
        expires_at=now + lifetime,
    )
    return url(purpose, token)


def is_fresh(link: Link) -> bool:
    """Return whether the link comes from a letter the reader asked for, not from a digest.

    People forward digests. What only the reader may see or do needs a fresh link.
    """
    return link.expires_at is not None and link.expires_at - link.created_at <= FRESH_LIFETIME


def revoke_confirmations(subscriber: Subscriber) -> None:
    """Delete the links that confirm an address, so that an old mail cannot reactivate it."""
    Link.objects.filter(
        subscriber=subscriber, purpose__in=[Link.Purpose.CONFIRM, Link.Purpose.CHANGE]
    ).delete()


def revoke_all_but_leaving(subscriber: Subscriber, keep: Link) -> None:
    """Make every link that was mailed so far stop working, but those that lead out, and `keep`.

    For a reader whose mailbox is another's from now on. Save the reader's `links_generation` and
    `links_epoch` afterwards.
    """
    leaving = [Link.Purpose.UNSUBSCRIBE, Link.Purpose.REFUSE]
    others = Link.objects.filter(subscriber=subscriber).exclude(purpose__in=leaving)
    others.exclude(pk=keep.pk).delete()
    subscriber.links_generation += 1
    subscriber.links_epoch = ""


def issue_for_good(subscriber: Subscriber, purpose: Link.Purpose, now: datetime) -> str:
    """Create a link that works until it is revoked, in place of earlier ones. Returns its URL."""
    revoke(subscriber, purpose)
    token = secrets.token_urlsafe(24)
    Link.objects.create(
        token_hash=hashed(token),
        purpose=purpose,
        subscriber=subscriber,
        address_hash=subscriber.address_hash,
        created_at=now,
    )
    return url(purpose, token)


def revoke(subscriber: Subscriber, purpose: Link.Purpose) -> None:
    """Make all of the reader's links for this purpose stop working."""
    Link.objects.filter(subscriber=subscriber, purpose=purpose).delete()
