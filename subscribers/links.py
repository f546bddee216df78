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
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection

from subscribers.models import Link, Subscriber

CONFIRM_LIFETIME = timedelta(hours=48)
PREFERENCES_LIFETIME = timedelta(days=62)

# Short paths: with <> the unsubscribe link must stay within 77 characters, because newer mail
# libraries encode a longer word in a header, and then no mail program shows its button.
_PATHS = {
    Link.Purpose.CONFIRM: "c",
    Link.Purpose.PREFERENCES: "p",
    Link.Purpose.UNSUBSCRIBE: "u",
}


class BadLink(Exception):
    """No such link: it was cut on its way, was revoked, or never was. Show a page."""


class ExpiredLink(BadLink):
    """The link was good once. Show a page that tells how to get a new one."""


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
        raise ExpiredLink
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
    return _url(purpose, token)


def revoke_confirmations(subscriber: Subscriber) -> None:
    """Make the subscriber's confirmation links unknown, so that an old mail revives nothing."""
    Link.objects.filter(subscriber=subscriber, purpose=Link.Purpose.CONFIRM).delete()


# --- derived links -------------------------------------------------------------------------
def unsubscribe_url(subscriber_id: int) -> str:
    """The reader's unsubscribe link, always the same. It works once `ensure` has seen them."""
    return _url(Link.Purpose.UNSUBSCRIBE, _derived(Link.Purpose.UNSUBSCRIBE, subscriber_id, ""))


def unsubscribe_address(subscriber_id: int) -> str:
    """Where a mail unsubscribes the reader who sends it, or "" if there is no such mailbox.

    The token stands in the address itself, because that is all of a mail that can be trusted.
    """
    local, _, domain = settings.MAIL_UNSUBSCRIBE.rpartition("@")
    if not local:
        return ""
    return f"{local}+{_derived(Link.Purpose.UNSUBSCRIBE, subscriber_id, '')}@{domain}"


def preferences_url(subscriber_id: int, now: datetime) -> str:
    """The reader's preferences link of this month. It works once `ensure` has seen them."""
    token = _derived(Link.Purpose.PREFERENCES, subscriber_id, _month(now))
    return _url(Link.Purpose.PREFERENCES, token)


def epoch(now: datetime) -> str:
    """What the derived links depend on, besides the reader: the month and the key."""
    fingerprint = hashlib.sha256(b"epoch:" + settings.LINK_KEY.encode()).hexdigest()
    return f"{_month(now)}.{fingerprint[:16]}"


def ensure(subscribers: Sequence[Subscriber], now: datetime) -> None:
    """Store the hashes of these readers' derived links, for those that lack them.

    One statement for any number of readers, none when all are up to date. Safe to repeat and
    to run twice at once; readers who were erased meanwhile are left out.
    """
    current = epoch(now)
    # In order, so that two workers with the same readers wait for each other, not both.
    behind = sorted(s.pk for s in subscribers if s.links_epoch != current)
    if not behind:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _ENSURE,
            {
                "ids": behind,
                "unsubscribe": [_hash(_derived(Link.Purpose.UNSUBSCRIBE, pk, "")) for pk in behind],
                "preferences": [
                    _hash(_derived(Link.Purpose.PREFERENCES, pk, _month(now))) for pk in behind
                ],
                "now": now,
                "expires_at": now + PREFERENCES_LIFETIME,
                "epoch": current,
            },
        )
    for subscriber in subscribers:
        subscriber.links_epoch = current


# The lock keeps a reader from being erased between the look and the foreign key's check.
_ENSURE = """
WITH reader AS (
    SELECT s.id, given.unsubscribe, given.preferences
    FROM unnest(%(ids)s::bigint[], %(unsubscribe)s::text[], %(preferences)s::text[])
         AS given (id, unsubscribe, preferences)
    JOIN subscribers_subscriber AS s ON s.id = given.id
    ORDER BY s.id
    FOR KEY SHARE OF s
), made AS (
    INSERT INTO subscribers_link (token_hash, purpose, subscriber_id, created_at, expires_at)
    SELECT unsubscribe, 'unsubscribe', id, %(now)s, NULL::timestamptz FROM reader
    UNION ALL
    SELECT preferences, 'preferences', id, %(now)s, %(expires_at)s FROM reader
    ON CONFLICT (token_hash) DO NOTHING
)
UPDATE subscribers_subscriber AS s SET links_epoch = %(epoch)s FROM reader WHERE s.id = reader.id
"""


# --- tokens --------------------------------------------------------------------------------
def _url(purpose: Link.Purpose, token: str) -> str:
    return f"{settings.SITE_URL}/{_PATHS[purpose]}/{token}"


def _derived(purpose: Link.Purpose, subscriber_id: int, period: str) -> str:
    """128 bits in 22 characters: nobody guesses them, and nobody can tell the reader by them."""
    message = f"{purpose.value}:{subscriber_id}:{period}".encode()
    digest = hmac.digest(settings.LINK_KEY.encode(), message, "sha256")
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _month(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")
