"""Finding papers by words: PostgreSQL's full text first, and similar spellings where it finds
little."""

import re
from dataclasses import dataclass, field

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db import connection, transaction
from django.db.models import F, QuerySet

from .models import EditionPaper, Paper
from .sources.keys import arxiv_id, recognised
from .sources.latex import plain
from .sources.text import clean

# Nobody types more, and a longer query only takes longer.
QUERY_LENGTH = 200
# Of a word that half of all papers use, the newest papers are ranked; the rest is as good.
_MOST_RANKED = 1000
# With fewer papers than this on the first page, titles that are spelled alike come after them.
_FEW = 5
_ALIKE = 10
# How much of a query's letters must be in a title. At PostgreSQL's own 0.6 two swapped letters
# are too many.
_LEAST_ALIKE = 0.4
_WORD = re.compile(r"\w+")
_MOST_WORDS = 24


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found. `alike` are papers with titles that are spelled alike."""

    papers: list[EditionPaper] = field(default_factory=list)
    alike: list[EditionPaper] = field(default_factory=list)
    has_more: bool = False


def cleaned(text: str) -> str:
    """A query as we take it: one line of a bounded length, fit for PostgreSQL."""
    return clean(text, QUERY_LENGTH).removesuffix("…")


def search(papers: QuerySet[EditionPaper], text: str, *, start: int, number: int) -> Found:
    """`number` of `papers` that `text` finds, from the `start`th on, the best match first.

    `text` is what `cleaned` answers. All words must be there, in any form; "a phrase", OR and
    -without work as in the large search engines. The id or the link of a paper finds it alone.
    """
    key = recognised(text) or recognised(f"arxiv:{arxiv_id(text)}")
    if key:
        return Found(list(papers.filter(paper__key=key)))
    query = _query(text)
    matches = Paper.objects.filter(search=query, candidate__edition__closed_at__isnull=False)
    newest = matches.order_by("-pk").values("pk")[:_MOST_RANKED]
    ranked = papers.filter(paper__in=newest).annotate(rank=SearchRank(F("paper__search"), query))
    found: list[EditionPaper] = list(ranked.order_by("-rank", "-pk")[start : start + number + 1])
    alike = [] if start or len(found) >= _FEW else _alike(papers, text, found)
    return Found(found[:number], alike, has_more=len(found) > number)


def any_word(text: str) -> SearchQuery:
    """A query for papers that have any of the words of `text`."""
    words = dict.fromkeys(_WORD.findall(plain(text))[:_MOST_WORDS])
    return _query(" or ".join(f'"{word}"' for word in words))


def _query(text: str) -> SearchQuery:
    return SearchQuery(text, search_type="websearch", config="english")


def _alike(
    papers: QuerySet[EditionPaper], text: str, found: list[EditionPaper]
) -> list[EditionPaper]:
    """Papers, beside those found, with something like `text` in their titles."""
    similarity = TrigramWordSimilarity(text, "paper__title")
    alike = papers.filter(paper__title__trigram_word_similar=text).exclude(
        pk__in=[candidate.pk for candidate in found]
    )
    with transaction.atomic():
        _prefer_trigrams()
        ordered = alike.annotate(similarity=similarity).order_by("-similarity", "-pk")
        return list(ordered[:_ALIKE])


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
