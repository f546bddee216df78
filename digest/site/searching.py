"""Finding papers by their authors and by words: PostgreSQL's full text, and similar spellings
where it finds little."""

import re
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db import connection, transaction
from django.db.models import Case, F, QuerySet, Value, When

from digest.models import EditionPaper, Paper
from digest.models.paper import authors_line_of, names_of
from digest.sources.keys import arxiv_id, recognised
from digest.sources.latex import plain
from digest.sources.text import clean

# Nobody types more, and a longer query only takes longer.
QUERY_LENGTH = 200
# Of a word that half of all papers use, the newest papers are ranked; the rest is as good.
_MOST_RANKED = 1000
# With fewer papers than this on the first page, what is spelled alike comes after them.
_FEW = 5
_ALIKE = 10
# How much of a query's letters must be in a title. At PostgreSQL's own 0.6 two swapped letters
# are too many.
_LEAST_ALIKE = 0.4
# And in a name: there are many more of them, and parts of one are parts of others.
_LEAST_ALIKE_NAMES = 0.6
_WORD = re.compile(r"\w+")
_MOST_WORDS = 24


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found. `alike` are papers with a title or an author spelled alike."""

    papers: list[EditionPaper] = field(default_factory=list)
    alike: list[EditionPaper] = field(default_factory=list)
    has_more: bool = False


def cleaned(text: str) -> str:
    """A query as we take it: one line of a bounded length, fit for PostgreSQL."""
    return clean(text, QUERY_LENGTH).removesuffix("…")


def search(papers: QuerySet[EditionPaper], text: str, *, start: int, number: int) -> Found:
    """`number` of `papers` that `text` finds, from the `start`th on, the best match first.

    `text` is what `cleaned` answers. Papers by an author of this name, or with it as part of
    theirs, come first. In the others all words must be there, in any form; "a phrase", OR and
    -without work as in the large search engines. The id or the link of a paper finds it alone.
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
    """A query for papers that have any of the words of `text`."""
    words = dict.fromkeys(_WORD.findall(plain(text))[:_MOST_WORDS])
    return _query(" or ".join(f'"{word}"' for word in words))


def _query(text: str) -> SearchQuery:
    return SearchQuery(text, search_type="websearch", config="english")


def _newest(**wanted: Any) -> QuerySet[Paper, Any]:
    """The keys of the newest public papers that are as `wanted`.

    In an order that no index has: PostgreSQL would else read all papers, the newest first, for
    a name that it takes for frequent, and work out the names of each.
    """
    named = Paper.objects.alias(names=names_of("authors"))
    public = named.filter(candidate__edition__closed_at__isnull=False, **wanted)
    return public.order_by((F("pk") + 0).desc()).values("pk")[:_MOST_RANKED]


def _alike(
    papers: QuerySet[EditionPaper], text: str, found: list[EditionPaper]
) -> list[EditionPaper]:
    """Papers, beside those found, with something like `text` in their titles or names."""
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
    """For this transaction: what counts as alike, and that the index is to find it.

    PostgreSQL takes comparing two texts for as cheap as comparing two numbers, and would read
    the whole table.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pg_trgm.word_similarity_threshold', %s, true),"
            " set_config('enable_seqscan', 'off', true)",
            [str(_LEAST_ALIKE)],
        )
