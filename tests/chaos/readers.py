"""The readers of a round, what they do in it, and what the oracle must know of them.

Everything goes through the functions that the site, the webhooks and the operators use.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from django.utils import timezone

from subscribers import addresses, links
from subscribers.joining import address_change
from subscribers.leaving import erasing, suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Link, Subscriber, Subscription, Suppression, Topic
from subscribers.wishes import preferences
from tests.factories import build_reader, make_topic
from tests.promise.oracle import DAY, Life, Wishes, shown_at

from .mail.ledger import Message

DOMAINS = ("dest.example", "mail.example", "post.example", "box.example")
# One reader in this many has no mailbox any more, or follows a topic that no paper is about.
GONE_EVERY = 97
UNMATCHED_EVERY = 53
PAUSE_DAYS = 30
# Where readers live and move to. The clocks of some are set in the rounds' weeks.
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Asia/Kathmandu"),
    *("Pacific/Kiritimati", "Pacific/Honolulu", "Australia/Lord_Howe", "America/Santiago"),
)


@dataclass(frozen=True, slots=True)
class Stop:
    """From a time on, by the simulated and by the monotonic clock, an address gets no mail."""

    what: str
    address: str
    at: datetime
    monotonic: float
    until: float = float("inf")


@dataclass(slots=True)
class Reader:
    """One reader. `addresses` are all that they have had; `row` is their primary key. `got` is what
    the mail service accepted for them."""

    row: int
    life: Life
    addresses: list[str]
    is_matched: bool
    stops: list[Stop] = field(default_factory=list)
    is_erased: bool = False
    got: Sequence[Message] = ()

    @property
    def wishes(self) -> Wishes:
        return self.life.wishes[-1][1]

    @property
    def is_gone(self) -> bool:
        return self.addresses[0].startswith("gone")

    def did(self, *what: str) -> bool:
        return any(stop.what in what for stop in self.stops)


@dataclass
class Readers:
    """All of them, and how many of them did what.

    `due` are those who are due at the moment: they act more often than the others.
    """

    everyone: list[Reader]
    chance: Random
    timings: Sequence[tuple[str, int]]
    done: Counter[str] = field(default_factory=Counter)
    due: Sequence[Reader] = ()

    @classmethod
    def create(cls, number: int, start: datetime, chance: Random) -> "Readers":
        """Create `number` readers who all get their digests at one of a few hours."""
        hours = 4 if number >= 200 else 2
        timings = [(chance.choice(ZONES), chance.randrange(24)) for _ in range(hours)]
        other = make_topic()
        everyone = [_reader(n, start, chance, timings) for n in range(1, number + 1)]
        rows = Subscriber.objects.bulk_create(_row(reader, start) for reader in everyone)
        for reader, row in zip(everyone, rows, strict=True):
            reader.row = row.pk
        _subscribe([reader for reader in everyone if not reader.is_matched], other)
        return cls(everyone, chance, timings)

    def act(self) -> None:
        """One of them does something."""
        among = self.due if self.due and self.chance.random() < 0.7 else self.everyone
        reader = self.chance.choice(among)
        if reader.is_erased:
            return
        act = self.chance.choice(ACTS)
        if reader.did("left", "complained") and act is not _erase:
            return
        act(reader, self, Subscriber.objects.get(pk=reader.row), timezone.now())
        self.done[act.__name__.strip("_")] += 1

    def stop_the_mail(self, number: int) -> None:
        """So many of those who are due leave, are erased or suppressed, or pause."""
        staying = [one for one in self.due or self.everyone if not one.stops and not one.is_erased]
        for reader in self.chance.sample(staying, min(number, len(staying))):
            act = self.chance.choice((_leave, _complain, _be_suppressed, _erase, _pause))
            act(reader, self, Subscriber.objects.get(pk=reader.row), timezone.now())
            self.done[act.__name__.strip("_")] += 1

    def note_due(self, at: datetime) -> None:
        """These are the readers whose hour it is."""
        self.due = [reader for reader in self.everyone if _is_hour_of(reader.wishes, at)]

    def another_wish(self, reader: Reader) -> Wishes:
        zone, hour = self.chance.choice(self.timings)
        return replace(reader.wishes, zone=zone, hour=hour)


def _is_hour_of(wishes: Wishes, at: datetime) -> bool:
    days = (at.date() + n * DAY for n in (-1, 0, 1))
    return any(shown_at(wishes.zone, day, wishes.hour) == at for day in days)


def _reader(
    number: int, start: datetime, chance: Random, timings: Sequence[tuple[str, int]]
) -> Reader:
    zone, hour = chance.choice(timings)
    frequency = chance.choice(("daily", "daily", "daily", "weekdays", "weekly"))
    wishes = Wishes(zone, hour, frequency, chance.randrange(7))
    name = "reader" if number % GONE_EVERY else "gone"
    address = f"{name}{number}@{chance.choice(DOMAINS)}"
    return Reader(0, Life([(start, wishes)]), [address], bool(number % UNMATCHED_EVERY))


def _row(reader: Reader, start: datetime) -> Subscriber:
    wishes = reader.wishes
    row = build_reader(
        email=reader.addresses[0],
        zone=wishes.zone,
        hour=wishes.hour,
        frequency=wishes.frequency,
        weekday=wishes.weekday,
        length=5,
        is_exploring=False,
        confirmed_at=start - timedelta(days=30),
        next_due_at=None,
    )
    preferences.reschedule(row, start)
    return row


def _subscribe(readers: Sequence[Reader], topic: Topic) -> None:
    Subscription.objects.bulk_create(
        Subscription(subscriber_id=reader.row, topic=topic) for reader in readers
    )


# --- what they do --------------------------------------------------------------------------
def _stop(reader: Reader, what: str, now: datetime) -> None:
    """Called when the change has been committed."""
    reader.stops.append(Stop(what, reader.addresses[-1], now, time.monotonic()))


def _leave(reader: Reader, _: Readers, row: Subscriber, now: datetime) -> None:
    unsubscribe(row, Consent.Act.ONE_CLICK, now)
    _stop(reader, "left", now)
    reader.life.wishes.append((now, replace(reader.wishes, is_active=False)))


def _complain(reader: Reader, _: Readers, row: Subscriber, now: datetime) -> None:
    suppression.suppress(row.address_hash, Suppression.Reason.COMPLAINED, now)
    _stop(reader, "complained", now)
    reader.life.wishes.append((now, replace(reader.wishes, is_active=False)))


def _be_suppressed(reader: Reader, _: Readers, row: Subscriber, now: datetime) -> None:
    suppression.suppress(row.address_hash, Suppression.Reason.MANUAL, now)
    _stop(reader, "suppressed", now)


def _erase(reader: Reader, _: Readers, row: Subscriber, now: datetime) -> None:
    erasing.erase(row, now)
    _stop(reader, "erased", now)
    reader.is_erased = True
    reader.life.wishes.append((now, replace(reader.wishes, is_active=False)))


def _pause(reader: Reader, readers: Readers, row: Subscriber, now: datetime) -> None:
    """Or go on, if this reader has paused."""
    if reader.wishes.paused_until:
        preferences.end_pause(row, now)
        last = reader.stops.pop() if reader.stops[-1].what == "paused" else None
        reader.stops += [replace(last, until=time.monotonic())] if last else []
        reader.life.wishes.append((now, replace(reader.wishes, paused_until=None)))
        return
    until = preferences.today_of(row, now) + timedelta(days=PAUSE_DAYS)
    preferences.pause_for_a_month(row, now)
    _stop(reader, "paused", now)
    reader.life.wishes.append((now, replace(reader.wishes, paused_until=until)))


def _move(reader: Reader, readers: Readers, row: Subscriber, now: datetime) -> None:
    wishes = readers.another_wish(reader)
    preferences.change(row, now, zone=wishes.zone, hour=wishes.hour)
    reader.life.wishes.append((now, wishes))


def _get_it_less_often(reader: Reader, _: Readers, row: Subscriber, now: datetime) -> None:
    preferences.switch_to_weekly(row, now)
    reader.life.wishes.append((now, replace(reader.wishes, frequency="weekly")))


def _change_address(reader: Reader, _: Readers, row: Subscriber, now: datetime) -> None:
    if reader.is_gone or reader.did("suppressed"):
        return
    name, _at, domain = reader.addresses[0].partition("@")
    new = f"{name}.{len(reader.addresses)}@{domain}"
    address_change.start(row, addresses.parse(new), now)
    row.refresh_from_db()
    if row.new_email != new:
        return  # they have asked for it too often
    links.issue(row, Link.Purpose.CHANGE, links.CHANGE_LIFETIME, now)
    link = Link.objects.select_related("subscriber").get(
        subscriber=row, purpose=Link.Purpose.CHANGE
    )
    address_change.confirm(link, now)
    _stop(reader, "moved out", now)
    reader.addresses.append(new)


Act = Callable[[Reader, Readers, Subscriber, datetime], None]
ACTS: tuple[Act, ...] = (
    *(_leave, _leave, _complain, _be_suppressed, _erase, _pause, _pause, _pause),
    *(_move, _move, _get_it_less_often, _change_address, _change_address),
)
