"""Finds papers by author and by words, with PostgreSQL's full-text search.

Texts and queries are taken apart in ``subscribers.comparing``, as the words and authors are that
readers follow. Where the search finds little, similar spellings are added.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db import OperationalError, transaction
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    Func,
    QuerySet,
    Value,
    When,
    Window,
)

from digest.models import EditionPaper, Paper
from digest.models.paper import authors_line_of
from digest.sources import SOURCES
from digest.sources.keys import arxiv_id, recognised
from digest.sources.text import clean
from subscribers.comparing import fulltext, names
from subscribers.database import execute

# Nobody types more than this, and longer queries are slower.
QUERY_LENGTH = 200
_LENGTH_OF_DATE = 10
# For a word that half of all papers use, ranking the newest is good enough.
MOST_RANKED = 1000
# Add similar spellings if the first page has fewer papers than this.
_FEW = 5
_ALIKE = 10
# How similar a title must be to a query, from 0 to 1. PostgreSQL's default, 0.6, misses words
# with two swapped letters.
_LEAST_ALIKE = 0.4
# Names need more: there are many, and they share parts.
_LEAST_ALIKE_NAMES = 0.6
# Words that can be misspelt. Similar texts are found by sequences of three letters: those of a
# short word are in most titles, and without one the index does not help at all. Whether it knows
# other than English letters depends on the database's locale. Many words have something in common
# with most titles, too.
_SPELT = re.compile("[A-Za-z]{5,}")
_MOST_SPELT = 5
_LONGEST_SPELT = 60
# Similar spellings are an extra, and not worth a longer wait. The rules above keep it far shorter.
_MOST_MILLISECONDS = 1000


class Order(StrEnum):
    BEST = "best"
    NEW = "new"
    VOTES = "votes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which papers to look among, and in what order to list them. Empty values narrow nothing."""

    topic: str = ""
    since: date | None = None
    until: date | None = None
    source: str = ""
    has_code: bool = False
    order: Order = Order.BEST

    @property
    def is_narrow(self) -> bool:
        return any((self.topic, self.since, self.until, self.source, self.has_code))

    def conditions(self) -> dict[str, Any]:
        """Return what a paper must have, as `filter` takes it."""
        said = {
            "papertopic__topic__slug": self.topic,
            "candidate__edition__date__gte": self.since,
            "candidate__edition__date__lte": self.until,
            "first_source": self.source,
        }
        asked: dict[str, Any] = {name: value for name, value in said.items() if value}
        return asked | {"code_url__gt": ""} if self.has_code else asked


def wanted(asked: Mapping[str, str], topics: Collection[str]) -> Wanted:
    """Return what a request asks for, `topics` being those that there are, by slug.

    Whatever is not understood narrows nothing.
    """
    topic, source, order = (asked.get(name, "") for name in ("topic", "source", "order"))
    return Wanted(
        topic=topic if topic in topics else "",
        since=_date(asked.get("from", "")),
        until=_date(asked.get("until", "")),
        source=source if source in SOURCES else "",
        has_code=asked.get("code") == "1",
        order=Order(order) if order in set(Order) else Order.BEST,
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == _LENGTH_OF_DATE else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of results. `alike` has papers with a similarly spelled title or author.

    `total` is how many were found. If there are more than `MOST_RANKED`, or only so many of the
    newest papers with the words were looked at for a phrase, there may be more (`is_all`).
    """

    papers: list[EditionPaper] = field(default_factory=list)
    alike: list[EditionPaper] = field(default_factory=list)
    has_more: bool = False
    total: int = 0
    is_all: bool = True


def cleaned(text: str) -> str:
    """Return a query as one line of bounded length that PostgreSQL accepts."""
    return clean(text, QUERY_LENGTH).removesuffix("…")


def search(
    papers: QuerySet[EditionPaper],
    text: str,
    *,
    start: int,
    number: int,
    wanted: Wanted = Wanted(),  # never changes
) -> Found:
    """Return `number` of `papers` that match `text`, from the `start`th on, the best first.

    `text` must come from `cleaned`. Papers by an author whose name contains it come first. The
    others contain all its words, in any form; "a phrase", OR and -without work as in the large
    search engines. A paper's id or link finds only that paper. Without `text` all papers are found
    that are `wanted`.
    """
    key = recognised(text) or recognised(f"arxiv:{arxiv_id(text)}")
    if key:
        found = list(papers.filter(paper__key=key))
        return Found(found, total=len(found))
    matching, ranks = _matching(text, wanted)
    ranked = papers.filter(paper__in=matching).annotate(**ranks, total=Window(Count("*")))
    shown = _page(ranked.order_by(*_ORDERS[wanted.order], "-pk"), start, number)
    alike = not start and text and not wanted.is_narrow and len(shown.papers) < _FEW
    return replace(shown, alike=_alike(papers, text, shown.papers)) if alike else shown


def by_author(name: str, *, by_votes: bool, start: int, number: int) -> Found | None:
    """Return papers by the author, the newest or those with most votes first.

    None if no paper names its author just like that: a page says no name that no paper says.
    Names that may be the same person's count: see ``subscribers.comparing.names``.
    """
    name = cleaned(name)
    keys = list(names.wanted(name))
    public = EditionPaper.objects.public()
    theirs = public.filter(paper__in=_newest(names__overlap=keys))
    if not keys or not theirs.filter(paper__authors__contains=[name]).exists():
        return None
    order = _ORDERS[Order.VOTES if by_votes else Order.NEW]
    return _page(theirs.annotate(total=Window(Count("*"))).order_by(*order, "-pk"), start, number)


_ORDERS = {
    Order.BEST: ("-is_by_name", "-rank"),
    Order.NEW: ("-edition__date",),
    Order.VOTES: ("-paper__votes",),
}


def _matching(text: str, wanted: Wanted) -> tuple[Any, dict[str, Any]]:
    """Return the keys of the newest papers that match, and what to rank them by."""
    conditions = wanted.conditions()
    if not text:
        return _newest(**conditions), {"is_by_name": Value(value=False), "rank": Value(0.0)}
    asked = fulltext.query(text)
    keys = list(names.wanted(text))
    by_words = _newest(search=Written(asked.words), **conditions)
    ranks: dict[str, Any] = {
        "is_by_name": Case(When(paper__names__overlap=keys, then=True), default=False),
        "rank": SearchRank(F("paper__search"), Written(asked.exact)),
    }
    if asked.exact != asked.words:
        # The index finds the words; only of the papers found, PostgreSQL reads in which order they
        # stand. One more than are looked at shows that there may be more.
        ranks["is_cut"] = Exists(_newest(MOST_RANKED, search=Written(asked.words), **conditions))
        by_words = Paper.objects.filter(_Holds("search", Written(asked.exact)), pk__in=by_words)
        by_words = by_words.values("pk")
    return _newest(names__overlap=keys, **conditions).union(by_words), ranks


def _page(ordered: QuerySet[Any], start: int, number: int) -> Found:
    """Return a page of rows that are annotated with their total."""
    rows = list(ordered[start : start + number + 1])
    total, is_cut = (rows[0].total, getattr(rows[0], "is_cut", False)) if rows else (0, False)
    return Found(
        rows[:number],
        has_more=len(rows) > number,
        total=min(total, MOST_RANKED),
        is_all=total <= MOST_RANKED and not is_cut,
    )


class Written(SearchQuery):
    """A query that is written as PostgreSQL keeps it, and needs no parsing (``fulltext``)."""

    def __init__(self, written: str) -> None:
        super().__init__(written, search_type="raw")

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        return super().as_sql(compiler, connection, template="(%(expressions)s)::tsquery")


class _Holds(Func):
    """Whether a text answers a query, asked in a way for which no index is used."""

    template = "(%(expressions)s) IS TRUE"
    arg_joiner = " @@ "
    output_field = BooleanField()


def any_word(text: str) -> Written:
    """Return a query for papers that contain any of the words of `text`."""
    return Written(fulltext.any_word(text))


def _newest(start: int = 0, **wanted: Any) -> QuerySet[Paper, Any]:
    """Return the keys of the newest public papers that match `wanted`, from the `start`th on: one
    more than are ranked, which shows that there are more."""
    public = Paper.objects.filter(candidate__edition__closed_at__isnull=False, **wanted)
    return public.order_by("-pk").values("pk")[start : MOST_RANKED + 1]


def _alike(
    papers: QuerySet[EditionPaper], text: str, found: list[EditionPaper]
) -> list[EditionPaper]:
    """Return further papers with something like `text` in their titles or authors' names."""
    if len(text) > _LONGEST_SPELT or not 0 < len(_SPELT.findall(text)) <= _MOST_SPELT:
        return []
    others = papers.exclude(pk__in=[candidate.pk for candidate in found])
    both: list[Any] = []
    try:
        with transaction.atomic():
            _prefer_trigrams()
            both += _most_alike(others, F("paper__title"), text, _LEAST_ALIKE)
            both += _most_alike(others, authors_line_of("paper__authors"), text, _LEAST_ALIKE_NAMES)
    except OperationalError:
        pass  # it took too long
    both.sort(key=lambda candidate: -candidate.similarity)
    return list({candidate.pk: candidate for candidate in both}.values())[:_ALIKE]


def _most_alike(papers: QuerySet[EditionPaper], where: Any, text: str, least: float) -> list[Any]:
    alike = papers.alias(place=where).filter(place__trigram_word_similar=text)
    ranked = alike.annotate(similarity=TrigramWordSimilarity(text, where))
    enough = ranked.filter(similarity__gte=least)
    return list(enough.order_by("-similarity", "-pk")[:_ALIKE])


def _prefer_trigrams() -> None:
    """Set what similar means and how long to look, for this transaction, and have the index used.

    PostgreSQL assumes that comparing two texts is as cheap as comparing two numbers, and would
    otherwise read the whole table.
    """
    execute(
        "SELECT set_config('pg_trgm.word_similarity_threshold', %s, true),"
        " set_config('enable_seqscan', 'off', true), set_config('statement_timeout', %s, true)",
        [str(_LEAST_ALIKE), str(_MOST_MILLISECONDS)],
    )
