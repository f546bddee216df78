"""What a round starts with, and the papers that come in on each of its days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from django.db import connection
from django.utils import timezone

from subscribers.database import execute
from tests.factories import make_paper
from tests.promise.oracle import DAY, HOUR

PAPERS = (12, 24)
KEPT = {"django_migrations", "django_content_type", "simulated_clock"}
# Rounds begin near the days on which clocks are set, at an hour when nothing is going on.
BEGINNINGS = (date(2026, 10, 23), date(2027, 3, 12), date(2027, 3, 26), date(2027, 4, 2))
FIRST_HOUR = 1


def clear_database() -> None:
    """Delete everything but the schema."""
    tables = [name for name in connection.introspection.table_names() if name not in KEPT]
    execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")


def beginning(chance: Random) -> datetime:
    day = chance.choice(BEGINNINGS) + chance.randrange(3) * DAY
    return datetime.combine(day, time(FIRST_HOUR), UTC)


@dataclass(frozen=True, slots=True)
class Supply:
    """When the papers of each day come in; a day without papers is missing.

    An edition closes at `closing` o'clock, or when the first papers come after that. `papers` are
    those that have come in, by their numbers.
    """

    at: dict[date, datetime]
    closing: int
    papers: dict[date, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def plan(cls, start: datetime, days: int, closing: int, chance: Random) -> "Supply":
        """In time on most days, late on some, and on some not at all. The first day is good."""
        at = {}
        for number in range(days + 1):
            day = (start + number * DAY).date()
            kind = chance.choice(("good", "good", "good", "late", "missing")) if number else "good"
            if kind == "good":
                at[day] = datetime.combine(day, time(3), UTC)
            elif kind == "late":
                at[day] = datetime.combine(day, time(closing), UTC) + chance.randint(1, 9) * HOUR
        return cls(at, closing)

    def closings(self) -> Iterator[tuple[date, datetime]]:
        """When each edition closes, if all is well then."""
        for day, at in self.at.items():
            yield day, max(at, datetime.combine(day, time(self.closing), UTC))

    def closed_for(self, due_at: datetime) -> datetime | None:
        """When the edition closes that a digest due then waits for, or a later one."""
        awaited = self._awaited(due_at)
        return min((at for day, at in self.closings() if day >= awaited), default=None)

    def papers_for(self, due_at: datetime) -> set[str]:
        """The papers of the edition that a digest due then waits for, and of all later ones."""
        awaited = self._awaited(due_at)
        return {number for day, came in self.papers.items() if day >= awaited for number in came}

    def _awaited(self, due_at: datetime) -> date:
        return (due_at - timedelta(hours=self.closing)).date()


def add_papers(chance: Random) -> Sequence[str]:
    """Papers come in now. Returns their numbers, which are in the mails."""
    number = chance.randint(*PAPERS)
    now = timezone.now()
    papers = [make_paper(votes=chance.randrange(80), first_seen_at=now) for _ in range(number)]
    return [paper.key.removeprefix("arxiv:") for paper in papers]
