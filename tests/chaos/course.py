"""The course of a round: lets time pass from one thing that happens to the next."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from digest.models import Hold
from tests.promise.oracle import DAY, HOUR, SECOND, shown_at

from . import disasters, load, progress
from .clock import Clock
from .faults import Fault, Scene, cut_off
from .hosts import Hosts
from .load import Supply
from .mail.http_service import HttpService
from .oracle import judge
from .processes import POOL, Fleet, SmtpServer
from .readers import Readers
from .servers import PostgreSQL, Valkey
from .verdict import Outage, Times, Verdict

# Outages in hours, some of them longer than the late policy's twelve.
OUTAGES = (2, 7, 14, 30)
# No more than so many steps between two things that are to happen.
MOST_STEPS = 12


@dataclass(frozen=True, slots=True)
class Site:
    """What all rounds share."""

    folder: Path
    postgres: PostgreSQL
    valkey: Valkey
    clock: Clock
    readers: int
    days: int
    seed: int
    faults: Sequence[Fault]


@dataclass(order=True)
class Stop:
    """A moment at which something is to happen. After it, time stops until all is done.

    If `is_due`, readers are due then, and the round's faults happen while they get their digests.
    """

    at: datetime
    act: Callable[[], None] | None = field(default=None, compare=False)
    is_due: bool = field(default=False, compare=False)


class Course:
    """The course of a round."""

    def __init__(
        self,
        site: Site,
        folder: Path,
        mail: SmtpServer | HttpService,
        chance: Random,
        environment: dict[str, str],
        apart: Hosts | None = None,
    ) -> None:
        site.valkey.flush()
        load.clear_database()
        self._site, self._chance, self._mail = site, chance, mail
        self.start = load.beginning(chance)
        self.end = self.start + site.days * DAY
        site.clock.set(self.start)
        self._supply = Supply.plan(self.start, site.days, settings.EDITION_CLOSES_HOUR, chance)
        readers = Readers.create(site.readers, self.start, chance)
        fleet = Fleet(folder, environment, apart)
        self.scene = Scene(chance, site.clock, fleet, mail, site.postgres, site.valkey, readers)
        self.released = 0
        self._disasters = disasters.of_a_round(self.scene, site.days)
        self._outages: list[Outage] = []
        self._is_out = ""
        self._holds: dict[int, tuple[str, datetime, datetime]] = {}
        self._operator = Client(SERVER_NAME="news.example.org")
        self._operator.force_login(get_user_model().objects.create_superuser("operator"))

    # --- time ------------------------------------------------------------------------------
    def run(self) -> None:
        try:
            self.scene.fleet.start()
            self._settle()
            for stop in self._stops():
                self._go_on(stop.at)
                if stop.act:
                    stop.act()
                self.scene.readers.note_due(stop.at)
                self._settle(self._script() if stop.is_due else [])
            self._go_on(self.end)
        finally:
            self._note_killed(self.scene.fleet.stop())
        self.scene.tell("end")

    def _stops(self) -> Iterator[Stop]:
        """Everything that is to happen, in order."""
        chance = self._chance
        due = {
            shown_at(zone, (self.start + n * DAY).date(), hour)
            for zone, hour in self.scene.readers.timings
            for n in range(-1, self._site.days + 2)
        }
        moments = [at for at in due if at and self.start < at < self.end]
        stops = [Stop(at, is_due=True) for at in moments]
        stops += [
            Stop(at - 90 * SECOND, partial(self._add_papers, day))
            for day, at in self._supply.at.items()
        ]
        # Those who have waited for the edition get their digests when it closes.
        stops += [Stop(at, is_due=chance.random() < 0.5) for _, at in self._supply.closings()]
        if chance.random() < 0.7:
            since = chance.choice(moments) - 30 * SECOND
            until = since + chance.choice(OUTAGES) * HOUR + 60 * SECOND
            kind = chance.choice(("workers", "mail"))
            stops.append(Stop(since, lambda: self._break_down(kind)))
            stops.append(Stop(min(until, self.end - HOUR), self._recover))
        return iter(sorted(stop for stop in stops if self.start < stop.at < self.end))

    def _go_on(self, until: datetime) -> None:
        """Let time pass, and stop wherever the product has something to do."""
        for _ in range(MOST_STEPS):
            following = self._next_event()
            if following is None or following >= until - 3 * SECOND:
                break
            self._set_clock(following)
            self._operate()
            self._settle()
        self._set_clock(until - 1.5 * SECOND)
        while datetime.now(UTC) < until:
            time.sleep(0.05)

    def _next_event(self) -> datetime | None:
        now = datetime.now(UTC)
        mine = [until for _, _, until in self._holds.values() if until > now]
        if self._is_out == "workers":
            return min(mine, default=None)
        events = [*mine, *progress.events(now, with_holds=not self._is_out)]
        if not events:
            return None
        first = min(events)
        # What comes at about the same time needs no stop of its own.
        return max(at for at in events if at <= first + 30 * SECOND)

    def _set_clock(self, to: datetime) -> None:
        if to > datetime.now(UTC):
            self._site.clock.set(to)

    def _settle(self, script: Sequence[tuple[int, Fault]] = ()) -> None:
        """Wait until nothing is left to do now. The faults happen after so many mails each."""
        if self._is_out == "workers":
            self._act()
            return
        left, quiet = list(script), progress.Quiet(self.scene, self._mail.count())
        while not quiet.is_over() or left:
            time.sleep(0.03)
            self._note_killed(self.scene.fleet.replace_ended())
            if left and (quiet.mails >= left[0][0] or quiet.is_still(1.5)):
                self._do(left.pop(0)[1])
                quiet.moved()
        self._mail.tell()
        self._note_holds()

    # --- what happens ----------------------------------------------------------------------
    def _script(self) -> list[tuple[int, Fault]]:
        """Faults and acts of readers, each with the number of mails after which it happens."""
        chance = self._chance
        # Not all of them are active, or get a digest on this day of the week.
        expected = max(len(self.scene.readers.due) // 2, 6)
        chosen = chance.choices(self._site.faults, k=chance.choice((0, 1, 1, 2)))
        if self.scene.fleet.apart and (not self.scene.done["cut_off"] or chance.random() < 0.5):
            chosen.append(cut_off)
        if self._disasters:
            chosen.append(self._disasters.pop())
        acts = [self._act_of_readers] * chance.randint(2, 5)
        moments = sorted(chance.randrange(expected) for _ in (*chosen, *acts))
        happening: list[Fault] = [*chosen, *acts]
        chance.shuffle(happening)
        return list(zip(moments, happening, strict=True))

    def _do(self, fault: Fault) -> None:
        if fault == self._act_of_readers:
            fault(self.scene)
            return
        self.scene.tell(f"{fault.__name__} after {self._mail.count()} mails")
        fault(self.scene)
        self.scene.done[fault.__name__] += 1

    def _act_of_readers(self, scene: Scene) -> None:
        for _ in range(self._chance.randint(1, 4)):
            scene.readers.act()

    def _act(self) -> None:
        self._act_of_readers(self.scene)

    def _add_papers(self, day: date) -> None:
        self._supply.papers[day] = load.add_papers(self._chance)

    def _break_down(self, kind: str) -> None:
        self._is_out = kind
        self.scene.tell(f"outage of {kind}")
        self._outages.append(Outage(kind, datetime.now(UTC), self.end))
        if kind == "workers":
            self._note_killed(self.scene.fleet.stop())
        else:
            self.scene.order(turned_away=True, slow_seconds=0.0, until=time.monotonic() + 1e6)

    def _recover(self) -> None:
        if self._is_out == "workers":
            self.scene.fleet.start()
        else:
            self.scene.order(turned_away=False, until=0.0)
        self.scene.tell(f"end of the outage of {self._is_out}")
        self.scene.done[f"outage of {self._is_out}"] += 1
        last = self._outages.pop()
        self._outages.append(Outage(last.kind, last.since, datetime.now(UTC)))
        self._is_out = ""

    def _note_killed(self, workers: Sequence[object]) -> None:
        self.scene.doubt_of_pool(POOL * len(workers))

    # --- the operator ----------------------------------------------------------------------
    def _note_holds(self) -> None:
        """An operator sees a hold that has no end, and will release it some time later."""
        for hold in Hold.objects.active().filter(until=None).exclude(pk__in=self._holds):
            self.scene.tell(f"held: {hold.reason}")
            now = datetime.now(UTC)
            minutes = timedelta(minutes=self._chance.randint(5, 120))
            self._holds[hold.pk] = (hold.reason, now, now + minutes)

    def _operate(self) -> None:
        now = datetime.now(UTC)
        over = [pk for pk, (_, _, until) in self._holds.items() if until <= now]
        active = Hold.objects.active().filter(until=None, pk__in=over)
        if ids := list(active.values_list("pk", flat=True)):
            answer = self._operator.post(
                "/admin/digest/hold/", {"action": "release", "_selected_action": ids}, secure=True
            )
            assert answer.status_code == 302, answer
            self.released += len(ids)

    # --- the judgement ---------------------------------------------------------------------
    def judge(self) -> Verdict:
        held = [Outage("hold", since, until) for _, since, until in self._holds.values()]
        times = Times(
            self.start,
            datetime.now(UTC),
            self._supply.closed_for,
            self._supply.papers_for,
            [*self._outages, *held],
            settings.DELIVERY_LATE,
        )
        reasons = [reason for reason, _, _ in self._holds.values()]
        return judge(self.scene, times, reasons)
