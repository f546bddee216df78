"""How good the similar papers on a paper's page are: do those who picked the paper pick them, too?

For each paper that a reader picked, the page as it was a week later is asked for five similar
papers: of those listed until then. The co-pick rate is the share of them that the same reader
picked at any time. It is averaged over a reader's papers, then over readers; intervals are over
readers. Few people pick much, so the rates are small; only how they compare means something.
"""

import os
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.contrib.postgres.search import SearchRank
from django.db.models import F
from rich.table import Table

from digest.management.commands.evaluate_ranking import rows_of
from digest.models import Edition, EditionPaper, Paper
from digest.papers.matching import match
from digest.ranking.features import Features
from digest.ranking.similar import Neighbours
from digest.site.searching import any_word
from digest.sources.text import ABSTRACT_LENGTH, TITLE_LENGTH, presentable
from subscribers.database import execute
from tests.benchmarks.relevance import SHARED
from tests.factories import starter_topics

SHOWN = 5
# How many days after the paper's own the page is seen.
LATER = timedelta(days=7)
# Returns the ids of similar papers among those of the days until then.
Finder = Callable[[int, datetime], list[int]]


def run() -> Table:
    table = Table("similar papers", "co-picks", "against the first")
    folder = Path(os.environ.get("BENCH_DATA", SHARED))
    if not folder.is_dir():
        table.add_row("BENCH_DATA is not a folder with the data", "", "")
        return table
    by_key = _fill(list(rows_of(folder / "hf_daily_papers.jsonl.gz")))
    picks = [
        {by_key[item["id"]] for item in reader["items"] if item["id"] in by_key}
        for reader in rows_of(folder / "hf_readers.jsonl.gz")
    ]
    picks = [theirs for theirs in picks if len(theirs) > 1]
    first: Any = None
    for name, find in {"words of the title, within topics": _by_title, **_by_features()}.items():
        rates = _rates(find, picks)
        table.add_row(name, _said(rates), "" if first is None else _said(rates - first))
        first = rates if first is None else first
    return table


def _rates(find: Finder, picks: Sequence[set[int]]) -> Any:
    """Return each reader's co-pick rate: float64 (readers,)."""
    listed = Paper.objects.order_by("candidate__edition__closed_at")
    wanted = set().union(*picks)
    found = {
        paper: find(paper, at + LATER)
        for paper, at in listed.values_list("pk", "candidate__edition__closed_at")
        if at and paper in wanted
    }
    return np.array(
        [np.mean([len(theirs & set(found[paper])) / SHOWN for paper in theirs]) for theirs in picks]
    )


def _said(values: Any) -> str:
    chance = np.random.default_rng(1)
    means = chance.choice(values, (2000, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{100 * values.mean():.2f} % [{100 * low:.2f}, {100 * high:.2f}]"


# --- ways to find them ---------------------------------------------------------------------
def _by_title(paper_id: int, until: datetime) -> list[int]:
    """As the site did at first: words of the title, among the newest papers of its topics."""
    paper = Paper.objects.get(pk=paper_id)
    known = EditionPaper.objects.public().filter(edition__closed_at__lte=until)
    candidates = known.exclude(paper=paper)
    if topics := list(paper.papertopic_set.values_list("topic_id", flat=True)):
        candidates = candidates.filter(paper__papertopic__topic__in=topics)
    newest = candidates.order_by("-paper_id").values("paper_id").distinct()[:400]
    query = any_word(paper.title)
    alike = known.filter(paper__in=newest, paper__search=query)
    ranked = alike.annotate(rank=SearchRank(F("paper__search"), query)).order_by("-rank", "-pk")
    return list(ranked.values_list("paper_id", flat=True)[:SHOWN])


def _by_features() -> Mapping[str, Finder]:
    rows = Paper.objects.order_by("pk").values_list(
        "pk", "candidate__edition__closed_at", "features"
    )
    papers = [
        (pk, at, Features.from_bytes(bytes(stored or b"")[1:])) for pk, at, stored in rows if at
    ]
    return {f"features, newest {most}": _Newest(papers, most).find for most in (400, 1000)}


class _Newest:
    """Asked in order of time, so that only one set of papers is kept ready."""

    def __init__(self, papers: Sequence[tuple[int, datetime, Features]], most: int) -> None:
        self._papers, self._most = papers, most
        self._times = [at for _pk, at, _features in papers]
        self._own = {pk: features for pk, _at, features in papers}
        self._number, self._made = -1, Neighbours([], [])

    def find(self, paper_id: int, until: datetime) -> list[int]:
        number = bisect_right(self._times, until)
        if number != self._number:
            newest = self._papers[max(number - self._most, 0) : number]
            features = [one for _pk, _at, one in newest]
            self._number = number
            self._made = Neighbours([pk for pk, _at, _one in newest], features)
        return self._made.closest(paper_id, self._own[paper_id], SHOWN)


# --- data ----------------------------------------------------------------------------------
def _fill(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Store the papers in editions by day. Return their ids by those in the data."""
    starter_topics()
    found: dict[str, int] = {}
    days = sorted({row["list_date"] for row in rows if row.get("list_date")})
    for day in days:
        listed = {row["id"]: row for row in rows if row.get("list_date") == day}
        new = {key: row for key, row in listed.items() if key not in found}
        papers = Paper.objects.bulk_create(_paper(key, row) for key, row in new.items())
        at = datetime.fromisoformat(day[:10]).replace(tzinfo=UTC)
        edition, _is_new = Edition.objects.get_or_create(date=at.date(), defaults={"closed_at": at})
        EditionPaper.objects.bulk_create(EditionPaper(edition=edition, paper=one) for one in papers)
        found |= {key: paper.pk for key, paper in zip(new, papers, strict=True)}
    papers = list(Paper.objects.order_by("pk"))
    for start in range(0, len(papers), 1000):
        match(papers[start : start + 1000])
    execute("VACUUM ANALYZE")
    return found


def _paper(key: str, row: Mapping[str, Any]) -> Paper:
    title = presentable(row["title"], TITLE_LENGTH)
    return Paper(
        key=f"arxiv:{key}",
        title=title,
        title_key=title.casefold()[:400],
        abstract=presentable(row["abstract"], ABSTRACT_LENGTH),
        authors=[name for name in row.get("authors") or () if isinstance(name, str)][:100],
        categories=[str(name)[:40] for name in row.get("categories") or ()],
        organization=str(row.get("organization") or "")[:200],
        url="https://arxiv.org/",
        first_source="huggingface",
    )
