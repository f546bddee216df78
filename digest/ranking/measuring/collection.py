"""Papers and who picked them, as cases for a ranking to solve."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from digest.ranking.features import Features, features_of
from digest.ranking.rank import Floats

Row = Mapping[str, Any]

# How many earlier picks a reader needs before a day becomes a case.
_LEAST_PICKS = 4


class EvaluationError(ValueError):
    """The rows cannot be used. The message names the row and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One reader on one day, with papers as indices into the collection.

    `before` are the papers picked on earlier days (the oldest first), `elsewhere` those picked on
    any other day, and `pool` the n papers of the day. `picked` bool (n,) says which of the pool
    the reader picked.
    """

    reader: str
    day: str
    before: NDArray[np.intp]
    elsewhere: NDArray[np.intp]
    pool: NDArray[np.intp]
    picked: NDArray[np.bool_]


# Returns a score for each paper in a case's pool.
Ranker = Callable[[Case], Floats]


@dataclass(frozen=True)
class Collection:
    """Papers and the cases made from who picked them.

    `rows`, `features` and `votes` (float32) are parallel, with an element for each paper. `later`
    is the first day of the later half; only days from then on are held out.
    """

    rows: Sequence[Row]
    features: Sequence[Features]
    votes: Floats
    cases: Sequence[Case]
    later: str

    @classmethod
    def of(cls, papers: Iterable[Row], readers: Iterable[Row], *, with_authors: bool) -> Self:
        """Return the collection of these rows.

        Papers need an `id`, a `title` and an `abstract`, and a `list_date` if they were listed.
        Readers need a `user` and `items`, each with a `date` and an `id`. If several papers have
        the same id, the first one counts. `with_authors` lets authors be features. Raises
        EvaluationError for rows without these, and if they make no case.
        """
        rows: dict[str, Row] = {}
        days: dict[str, list[int]] = defaultdict(list)
        for row in papers:
            paper_id = _text(row, "id")
            if paper_id in rows:
                continue
            if day := str(row.get("list_date") or "")[:10]:
                days[day].append(len(rows))
            rows[paper_id] = row
        index = {paper_id: number for number, paper_id in enumerate(rows)}
        cases = [case for reader in readers for case in _cases_of(reader, index, days)]
        if not cases:
            raise EvaluationError(
                f"No reader picked a paper from the lists given, after {_LEAST_PICKS} other picks."
            )
        case_days = sorted({case.day for case in cases})
        return cls(
            rows=list(rows.values()),
            features=[_features(row, with_authors=with_authors) for row in rows.values()],
            votes=np.array([row.get("upvotes") or 0 for row in rows.values()], dtype=np.float32),
            cases=cases,
            later=case_days[len(case_days) // 2],
        )

    def is_held_out(self, case: Case) -> bool:
        """Return whether no constant was chosen on this reader or in this half of the days."""
        return case.day >= self.later and not _is_for_tuning(case.reader)

    @cached_property
    def keyword_counts(self) -> Counter[str]:
        """How many papers name each keyword."""
        return Counter(word for row in self.rows for word in set(row.get("keywords") or ()))


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
        before = [paper for at, paper in picks if at < day]
        elsewhere = [paper for at, paper in picks if at != day]
        pool = np.array(days[day])
        picked = np.isin(pool, [paper for at, paper in picks if at == day])
        if len(before) >= _LEAST_PICKS and picked.any() and not picked.all():
            yield Case(
                user,
                day,
                np.array(before, dtype=np.intp),
                np.array(elsewhere, dtype=np.intp),
                pool,
                picked,
            )


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
