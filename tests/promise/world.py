"""A world in which time passes: readers, papers, outages, and the real planner among them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Literal

from django.conf import settings

from digest.delivery import handover, leases, plan, run
from digest.delivery.chunks import Tally
from digest.delivery.handover import HandOver
from digest.models import Digest, Hold
from digest.papers import editions
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber
from subscribers.wishes import preferences
from tests.clock import Clock
from tests.factories import build_reader, make_paper

from .oracle import DAY, HOUR, Life, Times, Wishes

STEP = timedelta(hours=1)
PAPERS_A_DAY = 6
# Zones that move in the night, at noon, by half an hour, over midnight, not at all, and a day away.
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo"),
    *("Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Honolulu", "Pacific/Pago_Pago"),
    *("America/Scoresbysund", "Australia/Lord_Howe", "Pacific/Chatham", "Africa/Cairo"),
    *("America/Santiago", "Asia/Beirut", "America/St_Johns", "Atlantic/Azores"),
)
Outage = Literal["workers", "mail", "sources"]


@dataclass(frozen=True)
class Story:
    """What is to happen: the readers' first wishes and their changes, outages, and odd days."""

    start: datetime
    days: int
    readers: Sequence[Wishes]
    changes: Sequence[tuple[datetime, int, Wishes]]
    joining: Sequence[tuple[datetime, int]]
    outages: Sequence[tuple[Outage, datetime, datetime]]
    closed_early: frozenset[date]
    without_papers: frozenset[date]

    @property
    def end(self) -> datetime:
        return self.start + self.days * DAY

    def is_out(self, what: Outage, at: datetime) -> bool:
        return any(kind == what and since <= at < until for kind, since, until in self.outages)


def story(chance: Random, *, number: int, days: int, outages: int) -> Story:
    """A story of `number` readers over `days`, somewhere within three years."""
    start = datetime(2025, 1, 1, tzinfo=UTC) + chance.randrange(3 * 365) * DAY
    readers = [_wishes(chance) for _ in range(number)]
    changes = []
    for reader, wishes in enumerate(readers):
        for at in sorted(_moment(chance, start, days) for _ in range(chance.randrange(6))):
            wishes = _changed(chance, wishes, at.date())
            changes.append((at, reader, wishes))
    joining = {n: _moment(chance, start, days) for n in range(number) if chance.random() < 0.2}
    every_day = [(start + n * DAY).date() for n in range(days)]
    return Story(
        start,
        days,
        readers,
        # Nobody changes anything before they have joined.
        sorted(
            (change for change in changes if change[0] > joining.get(change[1], start)),
            key=lambda change: change[:2],
        ),
        sorted((at, reader) for reader, at in joining.items()),
        [_outage(chance, start, days) for _ in range(outages)],
        frozenset(day for day in every_day if chance.random() < 0.05),
        frozenset(day for day in every_day if chance.random() < 0.1),
    )


def _moment(chance: Random, start: datetime, days: int) -> datetime:
    """An instant that is no full minute, and so never the one at which somebody is due."""
    return start + timedelta(seconds=60 * chance.randrange(60 * 24 * days) + 17)


def _wishes(chance: Random) -> Wishes:
    frequency = chance.choice(("daily", "daily", "daily", "weekdays", "weekly"))
    return Wishes(chance.choice(ZONES), chance.randrange(24), frequency, chance.randrange(7))


def _changed(chance: Random, wishes: Wishes, today: date) -> Wishes:
    return chance.choice(
        (
            replace(wishes, hour=chance.randrange(24)),
            replace(wishes, zone=chance.choice(ZONES)),
            replace(_wishes(chance), is_active=wishes.is_active),
            replace(wishes, paused_until=today + chance.randrange(12) * DAY),
            replace(wishes, paused_until=None),
            replace(wishes, is_active=not wishes.is_active),
        )
    )


def _outage(chance: Random, start: datetime, days: int) -> tuple[Outage, datetime, datetime]:
    kind: Outage = chance.choice(("workers", "mail", "sources"))
    since = _moment(chance, start, days)
    until = since + timedelta(minutes=chance.choice((40, 90, 300, 900, 2000, 5000)))
    return kind, since, min(until, start + days * DAY)


class World:
    """Lets a story happen, and keeps what the oracle must know."""

    def __init__(self, told: Story, clock: Clock) -> None:
        self._story, self._clock = told, clock
        self._hold: Hold | None = None
        self._edition_papers = 0
        joined = {reader for _, reader in told.joining}
        self._readers = [
            self._born(wishes, is_pending=number in joined)
            for number, wishes in enumerate(told.readers)
        ]
        self._by_email = {reader.email: number for number, reader in enumerate(self._readers)}
        self.lives = [Life([(told.start, wishes)]) for wishes in told.readers]
        for at, number in told.joining:
            self.lives[number] = Life([(at, told.readers[number])], joined_at=at)
        self.times = Times([], [], {}, STEP, settings.DELIVERY_LATE, settings.EDITION_CLOSES_HOUR)
        self._events = self._in_order()

    def rows(self, number: int) -> list[Digest]:
        return list(Digest.objects.filter(subscriber=self._readers[number]))

    def run(self) -> None:
        """From the start to the end, and on until the last digest that was due is settled."""
        now, event = self._story.start, next(self._events, None)
        while now < self._story.end + 2 * DAY:
            while event is not None and event[0] <= now:
                self._clock.set(event[0])
                event[1]()
                event = next(self._events, None)
            self._clock.set(now)
            self._tick(now)
            now += STEP

    # --- what happens ----------------------------------------------------------------------
    def _in_order(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        events: list[tuple[datetime, Callable[[], None]]] = []
        for at, number, wishes in self._story.changes:
            events.append((at, lambda a=at, n=number, w=wishes: self._change(a, n, w)))  # type: ignore[misc]  # bound now
        for at, number in self._story.joining:
            events.append((at, lambda a=at, n=number: self._join(a, n)))  # type: ignore[misc]  # bound now
        return iter(sorted(events, key=lambda event: event[0]))

    def _born(self, wishes: Wishes, *, is_pending: bool) -> Subscriber:
        reader = build_reader(
            zone=wishes.zone,
            hour=wishes.hour,
            frequency=wishes.frequency,
            weekday=wishes.weekday,
            length=5,
            is_exploring=False,
            confirmed_at=self._story.start - 30 * DAY,
            next_due_at=None,
            state=Subscriber.State.PENDING if is_pending else Subscriber.State.ACTIVE,
        )
        preferences.reschedule(reader, self._story.start)
        reader.save()
        return reader

    def _join(self, at: datetime, number: int) -> None:
        reader = Subscriber.objects.get(pk=self._readers[number].pk)
        reader.state, reader.confirmed_at = Subscriber.State.ACTIVE, at
        reader.next_due_at = at
        reader.next_due_on = preferences.today_of(reader, at)
        reader.save()

    def _change(self, at: datetime, number: int, wishes: Wishes) -> None:
        reader = Subscriber.objects.get(pk=self._readers[number].pk)
        if not wishes.is_active:
            unsubscribe(reader, Consent.Act.UNSUBSCRIBED, at)
        columns = ("zone", "hour", "frequency", "weekday", "paused_until")
        preferences.change(
            reader,
            at,
            **{name: getattr(wishes, name) for name in columns},
            state=Subscriber.State.ACTIVE if wishes.is_active else Subscriber.State.UNSUBSCRIBED,
        )
        self.lives[number].wishes.append((at, wishes))

    def _tick(self, now: datetime) -> None:
        self._publish(now)
        self._hold_mail(self._story.is_out("mail", now))
        if now.time() == time(2) and now.date() in self._story.closed_early:
            self._close_early(now)
        if self._story.is_out("workers", now):
            return
        self.times.planned.append(now)  # type: ignore[attr-defined]  # ours to fill
        if self._hold:
            plan.plan_due()
        else:
            self.times.up.append(now)  # type: ignore[attr-defined]  # ours to fill
            self._deliver(now)
        self._note_closed(now)

    def _publish(self, now: datetime) -> None:
        """Papers come in at three, or as soon as the sources can be read again."""
        day = (now - 3 * HOUR).date()
        if self._edition_papers == day.toordinal() or self._story.is_out("sources", now):
            return
        self._edition_papers = day.toordinal()
        if day not in self._story.without_papers:
            for number in range(PAPERS_A_DAY):
                make_paper(votes=number, first_seen_at=now)

    def _close_early(self, now: datetime) -> None:
        if now.date() not in self.times.closed:
            editions.close(now.date(), now=now)
            self._note_closed(now)

    def _note_closed(self, now: datetime) -> None:
        edition = plan.newest_edition(now)
        if edition is not None:
            self.times.closed.setdefault(edition.date, now)

    def _hold_mail(self, is_out: bool) -> None:
        if is_out and not self._hold:
            self._hold = Hold.objects.create(reason="The mail service is down.")
        elif self._hold and not is_out:
            self._hold.delete()
            self._hold = None

    def _deliver(self, now: datetime) -> None:
        """What a run and its senders do, but for rendering and the mail service itself."""
        plan.prepare()
        while (lease := run._claim("smtp", 500)) is not None:
            composed = run._compose(lease, Tally())
            addresses = handover.mark_sending(
                lease.token,
                composed,
                lease=HOUR,
                late=settings.DELIVERY_LATE,
                mail_service="smtp",
            )
            rest = [one.digest_id for one in composed if one.digest_id not in addresses]
            leases.skip_unwanted(lease.token, rest, late=settings.DELIVERY_LATE)
            leases.release(lease.token, rest)
            days = dict(Digest.objects.filter(pk__in=addresses).values_list("pk", "local_date"))
            for one in composed:
                if one.digest_id in addresses:
                    life = self.lives[self._by_email[addresses[one.digest_id]]]
                    life.mails.append((now, days[one.digest_id], one.paper_ids))
            handover.record(
                lease.token, [HandOver(pk, Digest.State.SENT, message_id="m") for pk in addresses]
            )


def counts() -> Counter[str]:
    """How many digests ended in which state, or for which reason, for the test's own report."""
    rows = Digest.objects.values_list("state", "skip_reason")
    return Counter(reason or state for state, reason in rows)
