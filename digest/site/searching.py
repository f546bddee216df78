"""Finds papers by author and by words, with PostgreSQL's full-text search.

Texts and queries are taken apart in ``subscribers.comparing``, as the words and authors are that
readers follow. Where the search finds little, similar spellings are added.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db import OperationalError, transaction
from django.db.models import BooleanField, Case, F, Func, QuerySet, When

from digest.models import EditionPaper, Paper
from digest.models.paper import authors_line_of
from digest.sources.keys import arxiv_id, recognised
from digest.sources.text import clean
from subscribers.comparing import fulltext, names
from subscribers.database import execute

# Nobody types more than this, and longer queries are slower.
QUERY_LENGTH = 200
# For a word that half of all papers use, ranking the newest is good enough.
_MOST_RANKED = 1000
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


@dataclass(frozen=True, slots=True)
class Found:
    """One page of results. `alike` has papers with a similarly spelled title or author."""

    papers: list[EditionPaper] = field(default_factory=list)
    alike: list[EditionPaper] = field(default_factory=list)
    has_more: bool = False


def cleaned(text: str) -> str:
    """Return a query as one line of bounded length that PostgreSQL accepts."""
    return clean(text, QUERY_LENGTH).removesuffix("…")


def search(papers: QuerySet[EditionPaper], text: str, *, start: int, number: int) -> Found:
    """Return `number` of `papers` that match `text`, from the `start`th on, the best first.

    `text` must come from `cleaned`. Papers by an author whose name contains it come first. The
    others contain all its words, in any form; "a phrase", OR and -without work as in the large
    search engines. A paper's id or link finds only that paper.
    """
    key = recognised(text) or recognised(f"arxiv:{arxiv_id(text)}")
    if key:
        return Found(list(papers.filter(paper__key=key)))
    asked = fulltext.query(text)
    wanted = list(names.wanted(text))
    by_name = _newest(names__overlap=wanted)
    by_words = _newest(search=Written(asked.words))
    if asked.exact != asked.words:
        # The index finds the words; only of the papers found, PostgreSQL reads in which order they
        # stand.
        by_words = Paper.objects.filter(_Holds("search", Written(asked.exact)), pk__in=by_words)
        by_words = by_words.values("pk")
    ranked = papers.filter(paper__in=by_name.union(by_words)).annotate(
        is_by_name=Case(When(paper__names__overlap=wanted, then=True), default=False),
        rank=SearchRank(F("paper__search"), Written(asked.exact)),
    )
    ordered = ranked.order_by("-is_by_name", "-rank", "-pk")
    found: list[EditionPaper] = list(ordered[start : start + number + 1])
    alike = [] if start or len(found) >= _FEW else _alike(papers, text, found)
    return Found(found[:number], alike, has_more=len(found) > number)


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


def _newest(**wanted: Any) -> QuerySet[Paper, Any]:
    """Return the keys of the newest public papers that match `wanted`."""
    public = Paper.objects.filter(candidate__edition__closed_at__isnull=False, **wanted)
    return public.order_by("-pk").values("pk")[:_MOST_RANKED]


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
