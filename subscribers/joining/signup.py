"""Asking for digests, and proving that the address is one's own (double opt-in)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from subscribers import addresses, links
from subscribers.addresses import Address
from subscribers.leaving import suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Letter, Link, Subscriber, Suppression, Topic
from subscribers.wishes import schedule

# The version of the words on the sign-up form: change it when what people agree to changes.
WORDING = "signup-2"
PENDING_FOR = timedelta(days=7)
# An expired link still leads to a page that helps, for a while.
EXPIRED_FOR = timedelta(days=30)


@transaction.atomic
def start_signup(
    address: Address, topics: Iterable[Topic], zone: str, now: datetime, language: str = "en"
) -> None:
    """Note that somebody entered this address, and have a letter about it go out.

    Nobody is subscribed by this, and what an active reader set does not change: anybody can
    enter any address. The address gets one letter of a kind a day, and three a month, at most.
    Safe to run twice at once.

    The statements are the same and as many whoever's address it is, so that neither the answer
    nor its time tells. Whether a letter may go to the address at all, because its owner
    complained or because too many are going out, is only asked by `letters.send_waiting`.
    """
    address_hash = addresses.hashed(address.canonical)
    subscriber = _found_or_made(address, address_hash, now)
    _take_wishes(subscriber, [topic.pk for topic in topics], zone, language)
    is_suppressed = suppression.is_suppressed(address_hash)
    is_reader = subscriber.state == Subscriber.State.ACTIVE and not is_suppressed
    _ask(subscriber, Letter.Kind.KNOWN if is_reader else Letter.Kind.CONFIRM, now)


@transaction.atomic
def ask_again(subscriber: Subscriber, now: datetime) -> None:
    """Have a new confirmation go to who let the last one expire, under the same caps."""
    if subscriber.state != Subscriber.State.ACTIVE:
        _ask(subscriber, Letter.Kind.CONFIRM, now)


@transaction.atomic
def confirm(link: Link, now: datetime) -> Subscriber:
    """Make the reader active, from the link that only their mailbox had, and due at once.

    A repeat is a success that changes nothing. A bounce is forgotten, because the address
    evidently works; a pause of earlier times, because they asked for digests now. Raises
    `BadLink` when the sign-up was purged or refused in this very moment.
    """
    # In the order in which a complaint takes its locks, so that the two never block each other.
    suppression.lift_bounce(link.subscriber.address_hash)
    subscriber = _locked(link)
    if subscriber.state == Subscriber.State.ACTIVE:
        return subscriber
    subscriber.state = Subscriber.State.ACTIVE
    subscriber.confirmed_at = now
    subscriber.unsubscribed_at = None
    subscriber.paused_until = None
    # Their first digest comes with the next tick; the planner then sets the regular time.
    subscriber.next_due_at = now
    subscriber.save(
        update_fields=["state", "confirmed_at", "unsubscribed_at", "paused_until", "next_due_at"]
    )
    _record(subscriber, Consent.Act.CONFIRMED, now)
    links.ensure([subscriber], now)
    return subscriber


@transaction.atomic
def refuse(link: Link, now: datetime) -> None:
    """Forget a sign-up that the mailbox's owner did not make, and never write there again.

    Only the address's keyed hash stays, as a suppression; an operator can lift it. Who is or
    was a reader, and so did sign up once, stops being one instead. Raises `BadLink` like
    `confirm`.
    """
    address_hash = link.subscriber.address_hash
    suppression.suppress(address_hash, Suppression.Reason.REFUSED, now)
    subscriber = _locked(link)
    if subscriber.state == Subscriber.State.PENDING:
        subscriber.delete()
        Consent.objects.create(address_hash=address_hash, act=Consent.Act.REFUSED, at=now)
    elif not unsubscribe(subscriber, Consent.Act.REFUSED, now):
        _record(subscriber, Consent.Act.REFUSED, now)


def next_regular(subscriber: Subscriber, now: datetime) -> datetime:
    """When the digest after the one that comes at once is due: not on the same day again."""
    tomorrow = schedule.end_of_day(now, subscriber.zone)
    return schedule.next_due_of(subscriber, tomorrow - timedelta(seconds=1))


# --- tidying up ----------------------------------------------------------------------------
def purge(now: datetime, limit: int) -> int:
    """Delete sign-ups that nobody confirmed within a week, and links that expired long ago.

    Up to `limit` of each. Answers how many went; safe to repeat and to run twice at once.
    """
    recent = Letter.objects.filter(subscriber=OuterRef("pk"), created_at__gt=now - PENDING_FOR)
    stale = Subscriber.objects.filter(
        ~Exists(recent), state=Subscriber.State.PENDING, created_at__lte=now - PENDING_FOR
    )
    expired = Link.objects.filter(expires_at__lte=now - EXPIRED_FOR)
    with transaction.atomic():
        # Locked, so that nobody confirms what is being deleted.
        ids = list(stale.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        Subscriber.objects.filter(pk__in=ids).delete()
    gone, _ = Link.objects.filter(pk__in=expired.values("pk")[:limit]).delete()
    return len(ids) + gone


# --- the rows ------------------------------------------------------------------------------
def _found_or_made(address: Address, address_hash: str, now: datetime) -> Subscriber:
    """The subscriber of this address, locked until the end of the transaction."""
    Subscriber.objects.bulk_create(
        [Subscriber(email=address.deliver_to, address_hash=address_hash, created_at=now)],
        ignore_conflicts=True,  # whoever comes second waits here, then finds the first's row
    )
    return Subscriber.objects.select_for_update().get(address_hash=address_hash)


def _locked(link: Link) -> Subscriber:
    subscriber = Subscriber.objects.select_for_update().filter(pk=link.subscriber_id).first()
    if subscriber is None:
        raise links.BadLink
    return subscriber


def _take_wishes(subscriber: Subscriber, topic_ids: list[int], zone: str, language: str) -> None:
    """Make these the wishes of who is not active yet or any more. One statement for everybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE_WISHES,
            {
                "subscriber": subscriber.pk,
                "topics": topic_ids,
                "zone": zone,
                "language": language,
            },
        )


_TAKE_WISHES = """
WITH reader AS (
    UPDATE subscribers_subscriber SET zone = %(zone)s, language = %(language)s
    WHERE id = %(subscriber)s AND state <> 'active'
    RETURNING id
), dropped AS (
    DELETE FROM subscribers_subscription AS s USING reader
    WHERE s.subscriber_id = reader.id AND s.topic_id <> ALL(%(topics)s::bigint[])
)
INSERT INTO subscribers_subscription (subscriber_id, topic_id)
SELECT reader.id, topic_id FROM reader, unnest(%(topics)s::bigint[]) AS topic_id
ON CONFLICT (subscriber_id, topic_id) DO UPDATE SET emphasis = 0
"""


def _ask(subscriber: Subscriber, kind: Letter.Kind, now: datetime) -> None:
    """Make a waiting letter and record the asking, unless there were enough or one waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ASK,
            {
                "subscriber": subscriber.pk,
                "address_hash": subscriber.address_hash,
                "kind": kind,
                "act": Consent.Act.ASKED,
                "wording": WORDING,
                "now": now,
            },
        )


_ASK = """
WITH earlier AS (
    SELECT count(*) FILTER (WHERE created_at > %(now)s - interval '24 hours') AS in_a_day,
        count(*) AS in_a_month
    FROM subscribers_letter
    WHERE subscriber_id = %(subscriber)s AND kind = %(kind)s
        AND created_at > %(now)s - interval '30 days'
), letter AS (
    INSERT INTO subscribers_letter
        (subscriber_id, kind, "to", created_at, next_attempt_at, attempts)
    SELECT %(subscriber)s, %(kind)s, '', %(now)s, %(now)s, 0
    FROM earlier WHERE in_a_day < 1 AND in_a_month < 3
    ON CONFLICT DO NOTHING
    RETURNING subscriber_id
)
INSERT INTO subscribers_consent (subscriber_id, address_hash, act, wording, reason, at)
SELECT subscriber_id, %(address_hash)s, %(act)s, %(wording)s, '', %(now)s FROM letter
"""


def _record(subscriber: Subscriber, act: Consent.Act, now: datetime) -> None:
    Consent.objects.create(
        subscriber=subscriber,
        address_hash=subscriber.address_hash,
        act=act,
        wording=WORDING,
        at=now,
    )
