"""Papers and who picked them, as cases for a ranking to solve."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from digest.ranking.batch import Floats
from digest.ranking.features import Features, features_of

Row = Mapping[str, Any]

# How many earlier picks a reader needs before a day becomes a case.
_LEAST_PICKS = 4


class EvaluationError(ValueError):
    """The rows cannot be used. The message names the row and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One reader on one day, with papers as indices into the collection.

    `before` are the papers picked on earlier days (the oldest first), with `ages` in days float32,
    `elsewhere` those picked on any other day, and `pool` the n papers of the day. `picked` bool
    (n,) says which of the pool the reader picked.
    """

    reader: str
    day: str
    before: NDArray[np.intp]
    ages: Floats
    elsewhere: NDArray[np.intp]
    pool: NDArray[np.intp]
    picked: NDArray[np.bool_]


# Returns a score for each paper in a case's pool.
Ranker = Callable[[Case], Floats]


@dataclass(frozen=True)
class Collection:
    """Papers and the cases made from who picked them.

    `rows`, `features` and `votes` (float32) are parallel, with an element for each paper. `days`
    maps each day to the papers of its list, also the days that are only history. `later`
    is the first day of the later half; only days from then on are held out.
    """

    rows: Sequence[Row]
    features: Sequence[Features]
    votes: Floats
    days: Mapping[str, Sequence[int]]
    cases: Sequence[Case]
    later: str

    @classmethod
    def of(
        cls,
        papers: Iterable[Row],
        readers: Iterable[Row],
        *,
        with_authors: bool,
        history: Iterable[Row] = (),
    ) -> Self:
        """Return the collection of these rows.

        Papers need an `id`, a `title` and an `abstract`, and a `list_date` if they were listed.
        Readers need a `user` and `items`, each with a `date` and an `id`. If several papers have
        the same id, the first one counts. `history` are papers that may have been picked before and
        tell how rare words are, but whose lists are not complete, so no case is made of them.
        `with_authors` lets authors be features. Raises EvaluationError for rows without these, and
        if they make no case.
        """
        rows: dict[str, Row] = {}
        days: dict[str, list[int]] = defaultdict(list)
        _add(papers, rows, days)
        lists = {day: list(listed) for day, listed in days.items()}
        _add(history, rows, days)
        index = {paper_id: number for number, paper_id in enumerate(rows)}
        cases = [case for reader in readers for case in _cases_of(reader, index, lists)]
        if not cases:
            raise EvaluationError(
                f"No reader picked a paper from the lists given, after {_LEAST_PICKS} other picks."
            )
        case_days = sorted({case.day for case in cases})
        return cls(
            rows=list(rows.values()),
            features=[_features(row, with_authors=with_authors) for row in rows.values()],
            votes=np.array([row.get("upvotes") or 0 for row in rows.values()], dtype=np.float32),
            days=days,
            cases=cases,
            later=case_days[len(case_days) // 2],
        )

    def is_held_out(self, case: Case) -> bool:
        """Return whether this is a later day of a reader on whom no constant was chosen."""
        return case.day >= self.later and not _is_for_tuning(case.reader)

    def is_for_tuning(self, case: Case) -> bool:
        """Return whether constants may be chosen on this reader and day."""
        return case.day < self.later and _is_for_tuning(case.reader)

    @cached_property
    def by_day(self) -> Sequence[int]:
        """All listed papers, the oldest first."""
        return [paper for day in sorted(self.days) for paper in self.days[day]]

    def before(self, day: str, most: int) -> Sequence[int]:
        """Return the newest papers listed before the week of `day`, at most so many.

        Nothing of the future is among them. By whole weeks, because a space is made of them.
        """
        at = date.fromisoformat(day)
        monday = (at - timedelta(days=at.weekday())).isoformat()
        number = sum(len(listed) for when, listed in self.days.items() if when < monday)
        return self.by_day[max(number - most, 0) : number]

    @cached_property
    def keyword_counts(self) -> Counter[str]:
        """How many papers name each keyword."""
        return Counter(word for row in self.rows for word in set(row.get("keywords") or ()))


def _add(papers: Iterable[Row], rows: dict[str, Row], days: dict[str, list[int]]) -> None:
    for row in papers:
        paper_id = _text(row, "id")
        if paper_id in rows:
            continue
        if day := str(row.get("list_date") or "")[:10]:
            days[day].append(len(rows))
        rows[paper_id] = row


def _is_for_tuning(reader: str) -> bool:
    return zlib.crc32(reader.encode()) % 2 == 0


def _cases_of(
    reader: Row, index: Mapping[str, int], days: Mapping[str, list[int]]
) -> Iterator[Case]:
    user, items = _text(reader, "user"), reader.get("items")
    if not isinstance(items, list):
        raise EvaluationError(f"Reader {user} has no list of items.")
    known = [item for item in items if _text(item, "id") in index]
    picks = sorted((_text(item, "date"), index[item["id"]]) for item in known)
    for day in sorted({day for day, _ in picks} & days.keys()):
        earlier = [(_days_between(at, day), paper) for at, paper in picks if at < day]
        elsewhere = [paper for at, paper in picks if at != day]
        pool = np.array(days[day])
        picked = np.isin(pool, [paper for at, paper in picks if at == day])
        if len(earlier) >= _LEAST_PICKS and picked.any() and not picked.all():
            yield Case(
                user,
                day,
                np.array([paper for _age, paper in earlier], dtype=np.intp),
                np.array([age for age, _paper in earlier], dtype=np.float32),
                np.array(elsewhere, dtype=np.intp),
                pool,
                picked,
            )


def _days_between(first: str, second: str) -> int:
    try:
        return (date.fromisoformat(second[:10]) - date.fromisoformat(first[:10])).days
    except ValueError as error:
        raise EvaluationError(f"{first} or {second} is not a date.") from error


def _text(row: Row, name: str) -> str:
    value = row.get(name) if isinstance(row, Mapping) else None
    if not isinstance(value, str) or not value:
        raise EvaluationError(f"A row has no {name}: {str(row)[:80]}")
    return value


def text_of(row: Row) -> tuple[str, str]:
    """Return title and abstract of a paper's row."""
    return str(row["title"]), str(row.get("abstract") or "")


def _features(row: Row, *, with_authors: bool) -> Features:
    return features_of(
        _text(row, "title"),
        str(row.get("abstract") or ""),
        categories=row.get("categories") or (),
        organization=str(row.get("organization") or ""),
        authors=map(str, row.get("authors") or ()) if with_authors else (),
    )
