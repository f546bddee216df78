"""What is wrong, since when, and who has been told so. Plain values that fit into a file.

A trouble begins once it has lasted for its patience, and ends once it has not been seen for a
while: one that comes and goes is one trouble. What cannot be seen, because the database is down,
neither begins nor ends.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from digest.desk.today.trouble import Trouble

# For so long a trouble must not have been seen to count as over.
OVER_AFTER = timedelta(minutes=3)
# What ended and could not be told in any way is forgotten after this.
_FORGET_AFTER = timedelta(days=2)


@dataclass(slots=True)
class Known:
    """A trouble that was seen. `told` and `told_end` are the ways in which it was told."""

    key: str
    words: str
    advice: str
    needs: list[str]
    since: datetime
    seen: datetime
    has_begun: bool = False
    is_over: bool = False
    told: list[str] = field(default_factory=list)
    told_end: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told in one way: what began, and what is over."""

    way: str
    begun: Sequence[Known]
    over: Sequence[Known]


class Memory:
    """The troubles that are known, by key."""

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._known = {one.key: one for one in known}

    def __iter__(self) -> Iterator[Known]:
        return iter(self._known.values())

    def see(self, troubles: Iterable[Trouble], now: datetime) -> list[Known]:
        """Take in what is wrong now. Returns what began or ended by it."""
        seen = {trouble.key: trouble for trouble in troubles if trouble.is_told}
        changed = []
        for key, trouble in seen.items():
            one = self._known.get(key)
            if one is None or one.is_over:
                one = self._known[key] = _known(trouble, now, one)
            one.seen, one.words, one.advice = now, trouble.words, trouble.advice
            if not one.has_begun and now - one.since >= trouble.patience:
                one.has_begun = True
                changed.append(one)
        for one in list(self._known.values()):
            if one.key not in seen and not seen.keys() & set(one.needs):
                changed += self._miss(one, now)
        return changed

    def _miss(self, one: Known, now: datetime) -> list[Known]:
        """Note that a trouble is not there. Returns it if it is over by that."""
        if not one.has_begun or now - one.seen > _FORGET_AFTER:
            del self._known[one.key]
        elif not one.is_over and now - one.seen >= OVER_AFTER:
            one.is_over = True
            return [one]
        return []

    def news(self, ways: Collection[str]) -> list[News]:
        """Return what is still to be told, for each of the ways in which there is anything."""
        found = []
        for way in ways:
            begun = [one for one in self if one.has_begun and way not in one.told]
            # What was never told when it began is told with its end, in one line.
            over = [one for one in self if one.is_over and way not in one.told_end]
            begun = [one for one in begun if not one.is_over]
            if begun or over:
                found.append(News(way, begun, over))
        return found

    def note_told(self, news: News) -> None:
        """Remember that it has been told in this way."""
        for one in news.begun:
            one.told.append(news.way)
        for one in news.over:
            one.told_end.append(news.way)

    def forget_told(self, ways: Collection[str]) -> None:
        """Forget what is over and has been told in all ways."""
        for one in list(self):
            if one.is_over and set(ways) <= set(one.told_end):
                del self._known[one.key]

    # --- as a text -------------------------------------------------------------------------
    def dump(self) -> str:
        return json.dumps([asdict(one) for one in self], default=datetime.isoformat, indent=1)

    @classmethod
    def load(cls, text: str) -> "Memory":
        """Read what `dump` wrote. Raises ValueError or TypeError for anything else."""
        return cls(_read(one) for one in json.loads(text))


def _known(trouble: Trouble, now: datetime, former: Known | None) -> Known:
    """A trouble seen for the first time, or again before its end could be told to everybody."""
    one = Known(trouble.key, trouble.words, trouble.advice, list(trouble.needs), now, now)
    if former is not None:
        # Whoever did not hear of its end still believes in it.
        one.told = [way for way in former.told if way not in former.told_end]
        one.since, one.has_begun = former.since, bool(one.told)
    return one


def _read(values: dict[str, Any]) -> Known:
    times = {name: datetime.fromisoformat(values[name]) for name in ("since", "seen")}
    return Known(**{**values, **times})
