"""A row of cells becomes an `Entry`: an address, what the file says, and preferences."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings

from subscribers import addresses
from subscribers.models import Subscriber, Subscription, Term, Topic
from subscribers.wishes import schedule, terms, zones

from .reading import Row, plain
from .systems import ONLY_WHETHER, Wish, wish_of

# How a note begins that names fields.
IGNORED = "ignored: "
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_EMPHASES = {one.name.lower(): one.value for one in Subscription.Emphasis}
# How many different things that rows say are remembered, each of no more letters than that.
_MOST_SAID, _SHORT = 20_000, 300
_NUMBERS = {"hour": (0, 23), "weekday": (0, 6), "length": (3, 20)}
_WORDS = {
    "keywords": (Term.Kind.KEYWORD, False),
    "muted_keywords": (Term.Kind.KEYWORD, True),
    "authors": (Term.Kind.AUTHOR, False),
    "muted_authors": (Term.Kind.AUTHOR, True),
}


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Said:
    """What a row says beside who it is about and since when. Rows that say the same share one.

    `note` explains why there is no `wish` to go by, or what was ignored. It has no address.
    """

    wish: str = ""
    note: str = ""
    preferences: Mapping[str, Any] = field(default_factory=dict)
    due: schedule.Due | None = None
    topics: Sequence[tuple[int, int]] = ()
    terms: Sequence[Mapping[str, Any]] = ()


class Entry(NamedTuple):
    """What one row says. `problem` is why it cannot be used, which `said.note` may explain."""

    number: int
    said: Said
    problem: str = ""
    email: str = ""
    address_hash: str = ""
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What readers get of whom the file says nothing."""

    zone: str = "UTC"
    hour: int = 7
    topics: Sequence[Topic] = ()


_NOTHING = Said()


class EntryMaker:
    """Makes entries of rows. `places` says where each field stands in a row."""

    def __init__(
        self, places: Mapping[str, int], width: int, defaults: Defaults, now: datetime
    ) -> None:
        self._width, self._now = width, now
        self._email, self._confirmed = places["email"], places.get("confirmed_at")
        self._others = [(n, at) for n, at in places.items() if n not in {"email", "confirmed_at"}]
        blank = Subscriber(zone=defaults.zone, hour=defaults.hour)
        names = ("zone", "hour", "frequency", "weekday", "length", "is_exploring")
        self._usual = {name: getattr(blank, name) for name in names}
        self._usual |= {"is_exploring": True, "language": "en", "paused_until": None}
        self._topics = [(topic.pk, Subscription.Emphasis.NORMAL.value) for topic in defaults.topics]
        self._addresses = addresses.Parser()
        self._known: dict[str, int] = {}
        for topic in Topic.objects.all():
            self._known |= {topic.slug.lower(): topic.pk, topic.name.lower(): topic.pk}
        self._dues: dict[schedule.Timing, schedule.Due] = {}
        self._said: dict[tuple[str, ...], Said] = {}

    def entry(self, row: Row) -> Entry:
        number, cells, problem = row
        if problem:
            return Entry(number, _NOTHING, problem)
        last = len(cells)
        if last > self._width and any(map(str.strip, cells[self._width :])):
            return Entry(number, _NOTHING, "ragged")
        email = plain(cells[self._email]) if self._email < last else ""
        if not email:
            return Entry(number, _NOTHING, "no_address")
        try:
            address = self._addresses.parse(_bare(email))
        except addresses.InvalidAddress as error:
            return Entry(number, Said(note=str(error)), "invalid")
        said = self._said_in(cells)
        at = self._confirmed
        since = cells[at] if at is not None and at < last and said.wish == Wish.ACTIVE else ""
        return Entry(
            number,
            said,
            "",
            address.deliver_to,
            address.hash,
            self._time(plain(since)) if since else None,
        )

    def _said_in(self, cells: Sequence[str]) -> Said:
        """What the cells say, worked out once for rows that say the same."""
        last = len(cells)
        texts = (cells[place] if place < last else "" for _, place in self._others)
        # Of a time at which somebody left, it only matters that there is one.
        key = tuple(
            "-" if name in ONLY_WHETHER and plain(text) else text
            for (name, _), text in zip(self._others, texts, strict=True)
        )
        said = self._said.get(key)
        if said is None:
            if len(self._said) >= _MOST_SAID:
                self._said.clear()
            names = (name for name, _ in self._others)
            said = self._made(dict(zip(names, map(plain, key), strict=True)))
            if sum(map(len, key)) <= _SHORT:
                self._said[key] = said
        return said

    def _made(self, cells: Mapping[str, str]) -> Said:
        wish = wish_of(cells)
        if wish != Wish.ACTIVE:
            return Said(wish, preferences=self._usual)
        ignored: list[str] = []
        preferences = self._preferences(cells, ignored)
        topics = self._topics_in(cells.get("topics", ""), ignored)
        words = _terms_in(cells, ignored)
        note = f"{IGNORED}{', '.join(ignored)}" if ignored else ""
        return Said(wish, note, preferences, self._due(preferences), topics, words)

    def _preferences(self, cells: Mapping[str, str], ignored: list[str]) -> Mapping[str, Any]:
        said = {name: cells[name] for name in self._usual if cells.get(name)}
        if not said:
            return self._usual
        chosen = dict(self._usual)
        for name, text in said.items():
            value = _preference(name, text)
            if value is None:
                ignored.append(name)
            else:
                chosen[name] = value
        return chosen

    def _topics_in(self, text: str, ignored: list[str]) -> Sequence[tuple[int, int]]:
        if not text:
            return self._topics
        found = dict(self._topics)
        for part in re.split(r"[;,|]", text):
            name, _colon, emphasis = part.strip().lower().partition(":")
            pk, weight = self._known.get(name.strip()), _EMPHASES.get(emphasis.strip() or "normal")
            if pk is not None and weight is not None:
                found[pk] = weight
            elif name and "topics" not in ignored:
                ignored.append("topics")
        return list(found.items())

    def _due(self, preferences: Mapping[str, Any]) -> schedule.Due:
        names = ("zone", "hour", "frequency", "weekday", "paused_until")
        timing = schedule.Timing(*(preferences[name] for name in names))
        if timing not in self._dues:
            self._dues[timing] = schedule.next_due(self._now, timing)
        return self._dues[timing]

    def _time(self, text: str) -> datetime | None:
        """Return when somebody consented, if the text is a time that can be true."""
        try:
            at = datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at if _EARLIEST < at < self._now + _AHEAD else None


def _bare(text: str) -> str:
    """Return the address in ``Ada <ada@…>`` or ``mailto:ada@…``."""
    if text.endswith(">"):
        text = text[text.rfind("<") + 1 : -1].strip()
    return text[7:] if text[:7].lower() == "mailto:" else text


def _preference(name: str, text: str) -> Any:
    """Return the value of a preference, or None if there is no such value."""
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        is_number = text.isascii() and text.isdigit() and len(text) <= 2
        return int(text) if is_number and least <= int(text) <= most else None
    if name == "zone":
        zone = zones.current_name(text)
        return zone if zone in zones.names() else None
    if name == "paused_until":
        return _date(text)
    if name == "is_exploring":
        return {"true": True, "false": False}.get(text.lower())
    known = Subscriber.Frequency.values if name == "frequency" else _languages()
    return text.lower() if text.lower() in known else None


def _languages() -> Iterable[str]:
    return dict(settings.LANGUAGES)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year < 2200 else None


def _terms_in(cells: Mapping[str, str], ignored: list[str]) -> Sequence[Mapping[str, Any]]:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for name, (kind, is_muted) in _WORDS.items():
        if not cells.get(name):
            continue
        parse = terms.parse if kind == Term.Kind.KEYWORD else terms.parse_authors
        try:
            texts = parse("\n".join(_listed(cells[name])))
        except ValueError:
            ignored.append(name)
            continue
        for text in texts:
            key = terms.key(text)
            found[kind, key] = {"kind": kind, "text": text, "key": key, "is_muted": is_muted}
    return list(found.values())


def _listed(text: str) -> Sequence[str]:
    """Return what a cell lists: as JSON, or with semicolons. Raises `ValueError`."""
    if not text.startswith("["):
        return text.split(";")
    said = json.loads(text)
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise ValueError("no list of texts")
    return said
