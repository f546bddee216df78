"""The links in a digest, which are derived from LINK_KEY."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from subscribers.database import execute
from subscribers.models import Link, Subscriber

from .tokens import as_text, hashed, url

_MONTHLY_LIFETIME = timedelta(days=62)


class Monthly(NamedTuple):
    """A reader's tokens for one month. Every digest made in that month contains all of them."""

    preferences: str
    read: str
    vote: str
    saved: str


_MONTHLY = (
    Link.Purpose.PREFERENCES,
    Link.Purpose.READ,
    Link.Purpose.VOTE,
    Link.Purpose.SAVED,
)


def monthly(subscriber_id: int, now: datetime, generation: int = 0) -> Monthly:
    """Return the reader's tokens for this month. They work once `ensure` has run.

    `generation` is the reader's `links_generation`: those of an earlier one do not come back.
    """
    message = f"monthly:{subscriber_id}:{_month(now)}"
    if generation:
        message += f":{generation}"
    # One SHA-512 is long enough for all four, and no part reveals anything about another. The last
    # gets what is left of it, 116 bits, which nobody can guess either.
    text = as_text(hmac.digest(settings.LINK_KEY.encode(), message.encode(), "sha512"))
    return Monthly(text[:22], text[22:44], text[44:66], text[66:86])


def beside(link: Link) -> Monthly:
    """Return the tokens that were mailed together with this derived link, for pages behind it.

    Those that do not work are "": of a link that was mailed before there was such a purpose, or of
    one that was mailed alone. One query.
    """
    reader = link.subscriber
    tokens = monthly(reader.pk, link.created_at, reader.links_generation)
    stored = set(
        Link.objects.filter(
            subscriber=reader,
            token_hash__in=[hashed(token) for token in tokens],
            expires_at__gt=timezone.now(),
        ).values_list("token_hash", flat=True)
    )
    return Monthly(*[token if hashed(token) in stored else "" for token in tokens])


def unsubscribe_token(subscriber_id: int, generation: int = 0) -> str:
    """Return the reader's unsubscribe token, the same for ever. It works once `ensure` has run.

    Those of earlier generations go on working, but only stop the mail (`is_readers_own`). It has no
    capitals, because it is part of an address, too, and mail servers may change the case of one.
    That leaves 110 bits, which nobody can guess.
    """
    message = f"unsubscribe:{subscriber_id}:{generation or ''}".encode()
    return as_text(hmac.digest(settings.LINK_KEY.encode(), message, "sha256")[:16]).lower()


def unsubscribe_url(subscriber_id: int, generation: int = 0) -> str:
    return url(Link.Purpose.UNSUBSCRIBE, unsubscribe_token(subscriber_id, generation))


def is_readers_own(link: Link) -> bool:
    """Return whether this unsubscribe link went to the mailbox that the reader has now.

    Whoever reads a former one may stop the mail, and nothing else.
    """
    generation = link.subscriber.links_generation
    current = unsubscribe_token(link.subscriber_id, generation)
    return not generation or link.token_hash == hashed(current)


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
    yield Link.Purpose.UNSUBSCRIBE.value, hashed(way_out), None
    tokens = monthly(reader.pk, now, reader.links_generation)
    for purpose, token in zip(_MONTHLY, tokens, strict=True):
        yield purpose.value, hashed(token), now + _MONTHLY_LIFETIME


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


@lru_cache(maxsize=16)
def _month(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")
