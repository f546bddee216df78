"""Links in mails: a token in the path, good for one purpose, stored as its SHA-256 only.

Confirmation links are random. The links in a digest are derived from LINK_KEY instead, so that
rendering one needs no query; `ensure` stores their hashes once a month and reader. They are
looked up, expire and can be revoked like the others, and those in old mails go on working
when LINK_KEY changes.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from subscribers.models import Link, Subscriber

CONFIRM_LIFETIME = timedelta(hours=48)
REFUSE_LIFETIME = timedelta(days=30)
CHANGE_LIFETIME = timedelta(hours=48)
FRESH_LIFETIME = timedelta(hours=24)
MONTHLY_LIFETIME = timedelta(days=62)

# Short paths: with <> the unsubscribe link must stay within 77 characters, because newer mail
# libraries encode a longer word in a header, and then no mail program shows its button.
_PATHS = {
    Link.Purpose.CONFIRM: "c",
    Link.Purpose.REFUSE: "n",
    Link.Purpose.CHANGE: "a",
    Link.Purpose.PREFERENCES: "p",
    Link.Purpose.UNSUBSCRIBE: "u",
    Link.Purpose.READ: "d",
    Link.Purpose.VOTE: "v",
}


class BadLink(Exception):
    """No such link: it was cut on its way, was revoked, or never was. Show a page."""


class ExpiredLink(BadLink):
    """The link was good once. Show a page that tells how to get a new one."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self.link = link


def find(token: str, purpose: Link.Purpose, now: datetime) -> Link:
    """The link with its subscriber. Raises `BadLink` or `ExpiredLink`.

    Mail programs add a closing bracket, a full stop or ``=3D`` to a link; all that follows
    the token's own characters is left out.
    """
    match = re.match(r"[\w-]*", token.strip(), re.ASCII)
    clean = match.group() if match else ""
    link = (
        Link.objects.select_related("subscriber")
        .filter(token_hash=_hash(clean), purpose=purpose)
        .first()
    )
    if link is None:
        raise BadLink
    if link.expires_at is not None and link.expires_at <= now:
        raise ExpiredLink(link)
    return link


# --- random links --------------------------------------------------------------------------
def issue(subscriber: Subscriber, purpose: Link.Purpose, lifetime: timedelta, now: datetime) -> str:
    """Make a new link and return its URL, which cannot be had again: only a hash is stored."""
    token = secrets.token_urlsafe(24)
    Link.objects.create(
        token_hash=_hash(token),
        purpose=purpose,
        subscriber=subscriber,
        created_at=now,
        expires_at=now + lifetime,
    )
    return url(purpose, token)


def is_fresh(link: Link) -> bool:
    """Whether the link came in a letter that was asked for, and not in a digest.

    People pass digests on. What only the reader may see or do needs a fresh link.
    """
    return link.expires_at is not None and link.expires_at - link.created_at <= FRESH_LIFETIME


def revoke_confirmations(subscriber: Subscriber) -> None:
    """Make the links that would confirm an address unknown, so that an old mail revives nothing."""
    Link.objects.filter(
        subscriber=subscriber, purpose__in=[Link.Purpose.CONFIRM, Link.Purpose.CHANGE]
    ).delete()


# --- derived links -------------------------------------------------------------------------
class Monthly(NamedTuple):
    """A reader's tokens of one month; a mail made in it holds them all."""

    preferences: str
    read: str
    vote: str


_MONTHLY = (Link.Purpose.PREFERENCES, Link.Purpose.READ, Link.Purpose.VOTE)


def monthly(subscriber_id: int, now: datetime) -> Monthly:
    """The reader's tokens of this month. They work once `ensure` has seen them."""
    message = f"monthly:{subscriber_id}:{_month(now)}".encode()
    # One hash is long enough for all of them, and no part tells anything of another.
    shown = _shown(hmac.digest(settings.LINK_KEY.encode(), message, "sha512"))
    return Monthly(shown[:22], shown[22:44], shown[44:66])


def unsubscribe_token(subscriber_id: int) -> str:
    """The reader's unsubscribe token, always the same. It works once `ensure` has seen them."""
    message = f"unsubscribe:{subscriber_id}:".encode()
    return _shown(hmac.digest(settings.LINK_KEY.encode(), message, "sha256")[:16])


def unsubscribe_url(subscriber_id: int) -> str:
    return url(Link.Purpose.UNSUBSCRIBE, unsubscribe_token(subscriber_id))


def unsubscribe_address(subscriber_id: int) -> str:
    """Where a mail unsubscribes the reader who sends it, or "" if there is no such mailbox.

    The token stands in the address itself, because that is all of a mail that can be trusted.
    """
    return address(unsubscribe_token(subscriber_id))


def address(unsubscribe: str) -> str:
    """The same, by the reader's unsubscribe token."""
    local, _, domain = settings.MAIL_UNSUBSCRIBE.rpartition("@")
    return f"{local}+{unsubscribe}@{domain}" if local else ""


def preferences_url(subscriber_id: int, now: datetime) -> str:
    """The reader's preferences link of this month. It works once `ensure` has seen them."""
    return url(Link.Purpose.PREFERENCES, monthly(subscriber_id, now).preferences)


def epoch(now: datetime) -> str:
    """What the derived links depend on, besides the reader: month, key, and which there are."""
    purposes = ",".join(_MONTHLY)
    fingerprint = hashlib.sha256(f"epoch:{purposes}:{settings.LINK_KEY}".encode()).hexdigest()
    return f"{_month(now)}.{fingerprint[:16]}"


def ensure(subscribers: Sequence[Subscriber], now: datetime) -> None:
    """Store the hashes of these readers' derived links, for those that lack them.

    One statement for any number of readers, none when all are up to date. Safe to repeat and
    to run twice at once; readers who were erased meanwhile are left out.
    """
    current = epoch(now)
    behind = [s.pk for s in subscribers if s.links_epoch != current]
    if not behind:
        return
    made = [(pk, *link) for pk in behind for link in _derived_links(pk, now)]
    subscriber_ids, purposes, hashes, ends = map(list, zip(*made, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            _ENSURE,
            {
                "ids": behind,
                "subscriber_ids": subscriber_ids,
                "purposes": purposes,
                "hashes": hashes,
                "ends": ends,
                "now": now,
                "epoch": current,
            },
        )
    for subscriber in subscribers:
        subscriber.links_epoch = current


def _derived_links(subscriber_id: int, now: datetime) -> Iterator[tuple[str, str, datetime | None]]:
    """Purpose, hash and end of each derived link; the way out has no end."""
    yield Link.Purpose.UNSUBSCRIBE.value, _hash(unsubscribe_token(subscriber_id)), None
    for purpose, token in zip(_MONTHLY, monthly(subscriber_id, now), strict=True):
        yield purpose.value, _hash(token), now + MONTHLY_LIFETIME


# The lock keeps a reader from being erased between the look and the foreign key's check. All in
# order, so that two workers with the same readers wait for each other, not both.
_ENSURE = """
WITH reader AS (
    SELECT id FROM subscribers_subscriber
    WHERE id = ANY(%(ids)s)
    ORDER BY id
    FOR KEY SHARE
), made AS (
    INSERT INTO subscribers_link (token_hash, purpose, subscriber_id, created_at, expires_at)
    SELECT given.token_hash, given.purpose, reader.id, %(now)s, given.expires_at
    FROM unnest(%(subscriber_ids)s::bigint[], %(purposes)s::text[], %(hashes)s::text[],
        %(ends)s::timestamptz[]) AS given (subscriber_id, purpose, token_hash, expires_at)
    JOIN reader ON reader.id = given.subscriber_id
    ORDER BY reader.id, given.purpose
    ON CONFLICT (token_hash) DO NOTHING
)
UPDATE subscribers_subscriber AS s SET links_epoch = %(epoch)s FROM reader WHERE s.id = reader.id
"""


# --- tokens --------------------------------------------------------------------------------
def url(purpose: Link.Purpose, token: str) -> str:
    """Where the page for `purpose` is; a vote's and a digest's page lie below it."""
    return f"{settings.SITE_URL}/{_PATHS[purpose]}/{token}"


def _shown(secret: bytes) -> str:
    """As characters of a link. 22 of them (128 bits or more) nobody guesses."""
    return urlsafe_b64encode(secret).rstrip(b"=").decode()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=16)
def _month(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")
