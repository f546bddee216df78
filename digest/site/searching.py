"""Finds papers by author and by words, with PostgreSQL's full-text search.

Where that finds little, similar spellings are added.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When

from digest.models import EditionPaper, Paper
from digest.models.paper import authors_line_of, names_of
from digest.sources.keys import arxiv_id, recognised
from digest.sources.text import clean
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
_WORD = re.compile(r"\w+")
_MOST_WORDS = 24


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
    query = _query(text)
    by_name, by_words = _newest(names__contains=names_of(Value([text]))), _newest(search=query)
    ranked = papers.filter(paper__in=by_name.union(by_words)).annotate(
        is_by_name=Case(When(paper__in=by_name, then=True), default=False),
        rank=SearchRank(F("paper__search"), query),
    )
    ordered = ranked.order_by("-is_by_name", "-rank", "-pk")
    found: list[EditionPaper] = list(ordered[start : start + number + 1])
    alike = [] if start or len(found) >= _FEW else _alike(papers, text, found)
    return Found(found[:number], alike, has_more=len(found) > number)


def any_word(text: str) -> SearchQuery:
    """Return a query for papers that contain any of the words of `text`."""
    words = dict.fromkeys(_WORD.findall(text)[:_MOST_WORDS])
    return _query(" or ".join(f'"{word}"' for word in words))


def _query(text: str) -> SearchQuery:
    return SearchQuery(text, search_type="websearch", config="english")


def _newest(**wanted: Any) -> QuerySet[Paper, Any]:
    """Return the keys of the newest public papers that match `wanted`.

    No index has this order (`pk + 0`), which is deliberate. Otherwise, for a name that it takes
    to be frequent, PostgreSQL would read all papers from the newest and work out the names of
    each.
    """
    named = Paper.objects.alias(names=names_of("authors"))
    public = named.filter(candidate__edition__closed_at__isnull=False, **wanted)
    return public.order_by((F("pk") + 0).desc()).values("pk")[:_MOST_RANKED]


def _alike(
    papers: QuerySet[EditionPaper], text: str, found: list[EditionPaper]
) -> list[EditionPaper]:
    """Return further papers with something like `text` in their titles or authors' names."""
    others = papers.exclude(pk__in=[candidate.pk for candidate in found])
    with transaction.atomic():
        _prefer_trigrams()
        both = _most_alike(others, F("paper__title"), text, _LEAST_ALIKE)
        both += _most_alike(others, authors_line_of("paper__authors"), text, _LEAST_ALIKE_NAMES)
    both.sort(key=lambda candidate: -candidate.similarity)
    return list({candidate.pk: candidate for candidate in both}.values())[:_ALIKE]


def _most_alike(papers: QuerySet[EditionPaper], where: Any, text: str, least: float) -> list[Any]:
    alike = papers.alias(place=where).filter(place__trigram_word_similar=text)
    ranked = alike.annotate(similarity=TrigramWordSimilarity(text, where))
    enough = ranked.filter(similarity__gte=least)
    return list(enough.order_by("-similarity", "-pk")[:_ALIKE])


def _prefer_trigrams() -> None:
    """Set the similarity threshold for this transaction, and make PostgreSQL use the index.

    PostgreSQL assumes that comparing two texts is as cheap as comparing two numbers, and would
    otherwise read the whole table.
    """
    execute(
        "SELECT set_config('pg_trgm.word_similarity_threshold', %s, true),"
        " set_config('enable_seqscan', 'off', true)",
        [str(_LEAST_ALIKE)],
    )
