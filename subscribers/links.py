"""Links in mails. Each has a token in its path and one purpose, and is stored as a SHA-256 hash.

Links in letters are random. The links in a digest are derived from LINK_KEY, so rendering one needs
no query; `ensure` stores their hashes once per month and reader. Derived links are looked up,
expire and can be revoked like random ones, and links in old mails keep working when LINK_KEY
changes.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings

from subscribers.database import execute
from subscribers.models import Link, Subscriber

CONFIRM_LIFETIME = timedelta(hours=48)
REFUSE_LIFETIME = timedelta(days=30)
CHANGE_LIFETIME = timedelta(hours=48)
FRESH_LIFETIME = timedelta(hours=24)
_MONTHLY_LIFETIME = timedelta(days=62)

# The paths are short because the unsubscribe link, with its <>, must fit into 77 characters. Newer
# mail libraries encode longer words in a header, and mail programs then show no unsubscribe button.
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
        .filter(token_hash=_hash(clean), purpose=purpose)
        .first()
    )
    if link is None:
        raise BadLink
    if link.expires_at is not None and link.expires_at <= now:
        raise ExpiredLink(link)
    return link


# --- random links --------------------------------------------------------------------------
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
        token_hash=_hash(token),
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


# --- derived links -------------------------------------------------------------------------
class Monthly(NamedTuple):
    """A reader's tokens for one month. Every digest made in that month contains all of them."""

    preferences: str
    read: str
    vote: str


_MONTHLY = (Link.Purpose.PREFERENCES, Link.Purpose.READ, Link.Purpose.VOTE)


def monthly(subscriber_id: int, now: datetime, generation: int = 0) -> Monthly:
    """Return the reader's tokens for this month. They work once `ensure` has run.

    `generation` is the reader's `links_generation`: those of an earlier one do not come back.
    """
    message = f"monthly:{subscriber_id}:{_month(now)}"
    if generation:
        message += f":{generation}"
    # One SHA-512 is long enough for all three, and no part reveals anything about another.
    text = _as_text(hmac.digest(settings.LINK_KEY.encode(), message.encode(), "sha512"))
    return Monthly(text[:22], text[22:44], text[44:66])


def unsubscribe_token(subscriber_id: int, generation: int = 0) -> str:
    """Return the reader's unsubscribe token, the same for ever. It works once `ensure` has run.

    Those of earlier generations go on working, but only stop the mail (`is_readers_own`). It has no
    capitals, because it is part of an address, too, and mail servers may change the case of one.
    That leaves 110 bits, which nobody can guess.
    """
    message = f"unsubscribe:{subscriber_id}:{generation or ''}".encode()
    return _as_text(hmac.digest(settings.LINK_KEY.encode(), message, "sha256")[:16]).lower()


def unsubscribe_url(subscriber_id: int, generation: int = 0) -> str:
    return url(Link.Purpose.UNSUBSCRIBE, unsubscribe_token(subscriber_id, generation))


def is_readers_own(link: Link) -> bool:
    """Return whether this unsubscribe link went to the mailbox that the reader has now.

    Whoever reads a former one may stop the mail, and nothing else.
    """
    generation = link.subscriber.links_generation
    current = unsubscribe_token(link.subscriber_id, generation)
    return not generation or link.token_hash == _hash(current)


def unsubscribe_address(token: str) -> str:
    """Return the address where a mail unsubscribes this token's reader, or "" if there is none.

    The token is part of the address, because nothing else in a mail can be trusted.
    """
    local, _, domain = settings.MAIL_UNSUBSCRIBE.rpartition("@")
    return f"{local}+{token}@{domain}" if local else ""


def preferences_url(subscriber_id: int, now: datetime, generation: int = 0) -> str:
    """Return the reader's preferences URL for this month. It works once `ensure` has run."""
    return url(Link.Purpose.PREFERENCES, monthly(subscriber_id, now, generation).preferences)


def epoch(now: datetime) -> str:
    """Return a tag that changes with the month, the key and the kinds of derived links."""
    purposes = ",".join(_MONTHLY)
    said = f"epoch:{purposes},lower case,by generation:{settings.LINK_KEY}"
    fingerprint = hashlib.sha256(said.encode()).hexdigest()
    return f"{_month(now)}.{fingerprint[:16]}"


def ensure(subscribers: Sequence[Subscriber], now: datetime) -> None:
    """Store the hashes of these readers' derived links where they are missing.

    Runs one statement for any number of readers, or none when all are up to date. Safe to repeat
    and to run twice at once. Skips readers who have been erased, or have moved to another address,
    in the meantime.
    """
    current = epoch(now)
    behind = [s for s in subscribers if s.links_epoch != current]
    if not behind:
        return
    made = [(reader.pk, *link) for reader in behind for link in _derived(reader, now)]
    subscriber_ids, purposes, hashes, ends = map(list, zip(*made, strict=True))
    execute(
        _ENSURE,
        {
            "ids": [reader.pk for reader in behind],
            "generations": [reader.links_generation for reader in behind],
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


def _derived(reader: Subscriber, now: datetime) -> Iterator[tuple[str, str, datetime | None]]:
    """Yield the purpose, hash and expiry of each derived link. Unsubscribe links never expire."""
    way_out = unsubscribe_token(reader.pk, reader.links_generation)
    yield Link.Purpose.UNSUBSCRIBE.value, _hash(way_out), None
    tokens = monthly(reader.pk, now, reader.links_generation)
    for purpose, token in zip(_MONTHLY, tokens, strict=True):
        yield purpose.value, _hash(token), now + _MONTHLY_LIFETIME


# The lock keeps a reader from being erased between our SELECT and the foreign-key check. Rows are
# locked in order, so two workers with the same readers wait for each other without a deadlock.
_ENSURE = """
WITH reader AS (
    SELECT id FROM subscribers_subscriber
    JOIN unnest(%(ids)s::bigint[], %(generations)s::int[]) AS known (reader_id, generation)
        ON reader_id = id AND generation = links_generation
    ORDER BY id
    FOR KEY SHARE OF subscribers_subscriber
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
    """Return the URL of the page for `purpose`. Pages for votes and digests add to its path."""
    return f"{settings.SITE_URL}/{_PATHS[purpose]}/{token}"


def _as_text(secret: bytes) -> str:
    """Encode for use in a URL. 22 characters are 128 bits or more, which nobody can guess."""
    return urlsafe_b64encode(secret).rstrip(b"=").decode()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=16)
def _month(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")
