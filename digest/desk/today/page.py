"""The page *Today*: how things stand, arranged for its template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from django.utils.functional import Promise

from digest.desk.words import LEAVING, STATES, WHY_LEFT
from digest.models import Digest

from . import charts, readers, standing, topics
from .attention import troubles
from .readers import Readers
from .run import Run
from .standing import Rows
from .trouble import Trouble

State = Digest.State


class User(Protocol):
    def has_perm(self, perm: str) -> bool: ...


# How often the page is loaded again while digests go out.
REFRESH_SECONDS = 10
# The kinds of a run's bar, from left to right, and the states that belong to each.
PARTS: Mapping[str, tuple[Promise, tuple[str, ...]]] = {
    "sent": (STATES[State.SENT], Digest.ACCEPTED),
    "doubt": (STATES[State.UNCERTAIN], (State.UNCERTAIN, State.ASSUMED)),
    "failed": (STATES[State.FAILED], (State.FAILED,)),
    "skipped": (STATES[State.SKIPPED], (State.SKIPPED,)),
    "waiting": (STATES[State.READY], (State.READY, State.SENDING)),
}


@dataclass(frozen=True, slots=True)
class Part:
    kind: str
    words: Promise
    number: int


def context(user: User) -> Mapping[str, Any]:
    """Return what the template needs, with the buttons that `user` may press. Raises if the
    database is down."""
    now_standing = standing.look()
    rows = now_standing.rows
    assert rows is not None
    of_readers, of_topics = readers.look(), topics.look()
    parts = _parts(rows.run)
    return {
        "now": now_standing.now,
        "run": rows.run,
        "parts": parts,
        "bar": charts.parts([(part.kind, part.number) for part in parts]),
        "days": _days(rows.run),
        "troubles": [_for(user, trouble) for trouble in _beside_holds(troubles(now_standing))],
        "rows": rows,
        "broker": now_standing.broker,
        "disks": now_standing.disks,
        "readers": of_readers,
        "readers_chart": charts.columns(
            [day.came for day in of_readers.days], [day.left for day in of_readers.days]
        ),
        "ways": [(LEAVING.get(act, act), number) for act, number in of_readers.ways],
        "reasons": _reasons(of_readers),
        "topics": of_topics,
        "topics_most": max((topic.votes for topic in of_topics), default=0),
        "refresh_seconds": REFRESH_SECONDS if rows.run.is_on and not _is_all_held(rows) else None,
    }


def _beside_holds(found: Sequence[Trouble]) -> Sequence[Trouble]:
    """Leave out what the bar on every page says."""
    return [trouble for trouble in found if not trouble.key.startswith("held:")]


def _for(user: User, trouble: Trouble) -> Trouble:
    may_act = trouble.action is None or user.has_perm(trouble.action.permission)
    return trouble if may_act else replace(trouble, action=None)


def _is_all_held(rows: Rows) -> bool:
    return all(service.holds for service in rows.services)


def _parts(run: Run) -> Sequence[Part]:
    waiting = {"waiting": run.readers_due.number}
    return [
        Part(kind, words, sum(run.states.get(one, 0) for one in states) + waiting.get(kind, 0))
        for kind, (words, states) in PARTS.items()
    ]


def _days(run: Run) -> Sequence[tuple[Promise, Sequence[int]]]:
    """Return a row for each state that occurs: its words, and its number on each day."""
    table = []
    for state, words in STATES.items():
        numbers = [states.get(state, 0) for states in run.days.values()]
        if any(numbers):
            table.append((words, numbers))
    return table


def _reasons(of_readers: Readers) -> Sequence[tuple[Promise | str, int]]:
    return [(WHY_LEFT.get(reason, reason), number) for reason, number in of_readers.reasons]
