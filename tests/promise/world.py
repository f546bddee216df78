"""A world in which time passes: readers, papers, outages, and the real planner among them."""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings

from digest.choosing.composing import Composed
from digest.delivery import handover, leases, plan, run
from digest.delivery.chunks import Tally
from digest.delivery.handover import HandOver
from digest.delivery.leases import Lease
from digest.models import Digest, Hold
from digest.papers import editions
from subscribers.database import execute
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber
from subscribers.wishes import preferences
from tests.clock import Clock
from tests.factories import build_reader, make_paper

from .oracle import DAY, HOUR, Life, Row, Times, Wishes
from .story import STEP, Story

PAPERS_A_DAY = 6
BATCH = 5000
# Of so many readers, one changes their wishes by the functions that the pages call; the others
# together, because a hundred thousand reader-days would take too long.
BY_PAGE = 20
WISHES = ("zone", "hour", "frequency", "weekday", "paused_until")
DUE = ("next_due_at", "next_due_on", "last_due_on")
Change = tuple[datetime, int, Wishes]
Event = TypeVar("Event", bound=tuple[Any, ...])


class World:
    """Lets a story happen, and keeps what the oracle must know."""

    def __init__(self, told: Story, clock: Clock) -> None:
        self._story, self._clock = told, clock
        self._hold: Hold | None = None
        self._published = told.start.date()
        # What was handed over to a slow mail service, by the token of its lease.
        self._unheard: list[tuple[UUID, list[int]]] = []
        joining = {number: at for at, number in told.joining}
        readers = Subscriber.objects.bulk_create(
            self._born(wishes, is_pending=number in joining)
            for number, wishes in enumerate(told.readers)
        )
        self._ids = [reader.pk for reader in readers]
        self._numbers = {reader.email: number for number, reader in enumerate(readers)}
        self.lives = [
            Life([(joining.get(number, told.start), wishes)], joined_at=joining.get(number))
            for number, wishes in enumerate(told.readers)
        ]
        self.times = Times(
            told.start,
            told.ticks[-1],
            [],
            {},
            STEP,
            settings.DELIVERY_LATE,
            settings.EDITION_CLOSES_HOUR,
        )

    def rows(self) -> list[list[Row]]:
        """The digests' rows of each reader."""
        found = defaultdict(list)
        columns = ("subscriber", "local_date", "state", "skip_reason")
        for pk, *row in Digest.objects.values_list(*columns):
            found[pk].append(Row(*row))
        return [found[pk] for pk in self._ids]

    def run(self) -> None:
        """From the start to the end, and on until the last digest that was due is settled."""
        before = self._story.start
        for now in self._story.ticks:
            self._join_all(_between(self._story.joining, before, now))
            for changes in _apart(_between(self._story.changes, before, now)):
                self._change_all(changes)
            self._clock.set(now)
            self._tick(now)
            before = now

    # --- readers ---------------------------------------------------------------------------
    def _born(self, wishes: Wishes, *, is_pending: bool) -> Subscriber:
        reader = build_reader(
            **_columns(wishes),
            length=5,
            is_exploring=False,
            confirmed_at=self._story.start - 30 * DAY,
            next_due_at=None,
            state=Subscriber.State.PENDING if is_pending else Subscriber.State.ACTIVE,
        )
        preferences.reschedule(reader, self._story.start)
        return reader

    def _join_all(self, joining: Sequence[tuple[datetime, int]]) -> None:
        """Do what `signup.confirm` does: the first digest is due at once."""
        readers = Subscriber.objects.in_bulk([self._ids[number] for _, number in joining])
        for at, number in joining:
            reader = readers[self._ids[number]]
            reader.state, reader.confirmed_at = Subscriber.State.ACTIVE, at
            reader.next_due_at, reader.next_due_on = at, preferences.today_of(reader, at)
        _store(list(readers.values()))

    def _change_all(self, changes: Sequence[Change]) -> None:
        """Change what some readers wish, each at their own time; one change for each reader."""
        readers = Subscriber.objects.in_bulk([self._ids[number] for _, number, _ in changes])
        together = []
        for at, number, wishes in changes:
            reader = readers[self._ids[number]]
            self.lives[number].wishes.append((at, wishes))
            if number % BY_PAGE == 0:
                self._clock.set(at)
                self._change_by_page(reader, at, wishes)
                continue
            for name, value in _columns(wishes).items():
                setattr(reader, name, value)
            reader.state = _state(wishes)
            if reader.next_due_at is not None and reader.next_due_at <= at:
                self._clock.set(at)
            preferences.reschedule(reader, at)
            together.append(reader)
        _store(together)

    def _change_by_page(self, reader: Subscriber, at: datetime, wishes: Wishes) -> None:
        if not wishes.is_active:
            unsubscribe(reader, Consent.Act.UNSUBSCRIBED, at)
        preferences.change(reader, at, **_columns(wishes), state=_state(wishes))

    # --- an hour ---------------------------------------------------------------------------
    def _tick(self, now: datetime) -> None:
        is_slow = self._story.is_out("slow", now)
        self._publish(now)
        self._hold_mail(self._story.is_out("mail", now))
        if not is_slow:
            self._hear()
        if now.hour == 2 and now.date() in self._story.closed_early:
            self._close_early(now)
        if self._story.is_out("workers", now):
            return
        if self._hold:
            plan.plan_due()
        else:
            self.times.up.append(now)
            self._deliver(now)
        if not is_slow:
            self._hear()
        self._note_closed(now)

    def _publish(self, now: datetime) -> None:
        """Papers come in at one, or as soon as the sources can be read again."""
        day = (now - HOUR).date()
        if self._published == day or self._story.is_out("sources", now):
            return
        self._published = day
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
        while (lease := run._claim("smtp", BATCH)) is not None:
            self._hand_over(lease, run._compose(lease, Tally()), now)

    def _hand_over(self, lease: Lease, composed: Sequence[Composed], now: datetime) -> None:
        late = settings.DELIVERY_LATE
        addresses = handover.mark_sending(
            lease.token, composed, lease=4 * DAY, late=late, mail_service="smtp"
        )
        rest = [one.digest_id for one in composed if one.digest_id not in addresses]
        leases.skip_unwanted(lease.token, rest, late=late)
        leases.release(lease.token, rest)
        days = dict(Digest.objects.filter(pk__in=addresses).values_list("pk", "local_date"))
        for one in composed:
            if one.digest_id in addresses:
                life = self.lives[self._numbers[addresses[one.digest_id]]]
                life.mails.append((now, days[one.digest_id], one.paper_ids))
        self._unheard.append((lease.token, list(addresses)))

    def _hear(self) -> None:
        """Learn what became of all that was handed over: the mail service took it."""
        for token, ids in self._unheard:
            sent = [HandOver(pk, Digest.State.SENT, message_id="m") for pk in ids]
            handover.record(token, sent)
        self._unheard = []


def _between(events: Sequence[Event], before: datetime, now: datetime) -> Sequence[Event]:
    """The events after `before`, until `now`."""
    first, last = (bisect_right(events, at, key=lambda event: event[0]) for at in (before, now))
    return events[first:last]


def _apart(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes in parts, so that a reader's second one is in a later part."""
    parts: list[list[Change]] = []
    seen: Counter[int] = Counter()
    for change in changes:
        if seen[change[1]] == len(parts):
            parts.append([])
        parts[seen[change[1]]].append(change)
        seen[change[1]] += 1
    return parts


def _columns(wishes: Wishes) -> dict[str, Any]:
    return {name: getattr(wishes, name) for name in WISHES}


def _state(wishes: Wishes) -> Subscriber.State:
    return Subscriber.State.ACTIVE if wishes.is_active else Subscriber.State.UNSUBSCRIBED


def _store(readers: Sequence[Subscriber]) -> None:
    """What `preferences.change` stores, for many at once."""
    columns = ("id", "state", *WISHES, "confirmed_at", *DUE)
    rows = [{name: getattr(reader, name) for name in columns} for reader in readers]
    execute(
        """
        UPDATE subscribers_subscriber s
        SET state = c.state, zone = c.zone, hour = c.hour, frequency = c.frequency,
            weekday = c.weekday, paused_until = c.paused_until, confirmed_at = c.confirmed_at,
            next_due_at = c.next_due_at, next_due_on = c.next_due_on, last_due_on = c.last_due_on
        FROM jsonb_to_recordset(%s) AS c(
            id bigint, state text, zone text, hour int, frequency text, weekday int,
            paused_until date, confirmed_at timestamptz, next_due_at timestamptz, next_due_on date,
            last_due_on date
        )
        WHERE s.id = c.id
        """,
        [json.dumps(rows, default=str)],
    )
