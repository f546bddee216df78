"""Papers that a reader gives as examples: picked from recent ones, or found in their library.

Each becomes a vote up, with its own origin, and counts from the next digest on. Nothing else of a
library is kept.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from digest.models import EditionPaper, Paper, PaperKey, Vote
from subscribers.models import Subscriber, Subscription

from .bibliography import Library, Reference
from .votes import store

# More would drown out later votes.
MOST = 20
MOST_FROM_LIBRARY = 50
OFFERED = 12
# How many of those offered are on the reader's own topics, if there are enough.
_FOLLOWED = 8
# The most-voted of this many of the newest papers are offered: a week or two of papers.
_RECENT = 600

MUTED, LESS = Subscription.Emphasis.MUTED, Subscription.Emphasis.LESS


# --- picking -------------------------------------------------------------------------------
def picked(subscriber: Subscriber) -> list[int]:
    """Return the ids of the papers that the reader has picked, in the order picked."""
    votes = Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.EXAMPLE)
    return list(votes.order_by("at", "pk").values_list("paper_id", flat=True))


@transaction.atomic
def pick(subscriber: Subscriber, paper_ids: Collection[int], now: datetime) -> None:
    """Replace the reader's picks with these papers. Safe to repeat.

    A pick replaces an earlier vote on the same paper: the latest counts. Papers that are not
    public are ignored.
    """
    Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.EXAMPLE).exclude(
        paper__in=paper_ids
    ).delete()
    before = picked(subscriber)
    wanted = EditionPaper.objects.public().filter(paper__in=set(paper_ids) - set(before))
    paper_ids = wanted.order_by("pk").values_list("paper_id", flat=True)
    store(_votes_up(subscriber, paper_ids, Vote.Origin.EXAMPLE, now))


def papers(paper_ids: Sequence[int]) -> list[EditionPaper]:
    """Return those of these papers that are public, in this order."""
    found = EditionPaper.objects.public().by_paper(paper_ids)
    return [found[paper_id] for paper_id in paper_ids if paper_id in found]


def offered(subscriber: Subscriber, without: Collection[int]) -> list[EditionPaper]:
    """Return recent papers with many votes, from a mix of topics, the reader's own first.

    Papers in `without`, papers that the reader has voted on, and muted topics are left out.
    """
    emphases = dict(
        Subscription.objects.filter(subscriber=subscriber).values_list("topic_id", "emphasis")
    )
    voted = Vote.objects.filter(subscriber=subscriber).values_list("paper_id", flat=True)
    known = {*without, *voted}
    rows = (
        EditionPaper.objects.public()
        .order_by("-pk")
        .values_list("paper_id", "paper__votes", "fits")
    )
    followed: list[tuple[int, str]] = []
    others: list[tuple[int, str]] = []
    for paper_id, _votes, fits in sorted(rows[:_RECENT], key=lambda row: -row[1]):
        if paper_id in known or MUTED in {emphases.get(int(topic)) for topic in fits}:
            continue
        best = max(fits, key=fits.__getitem__, default="")
        is_followed = best in fits and emphases.get(int(best), LESS) > LESS
        (followed if is_followed else others).append((paper_id, best))
    first, rest = list(_mixed(followed)), list(_mixed(others))
    return papers([*first[:_FOLLOWED], *rest, *first[_FOLLOWED:]][:OFFERED])


def _mixed(pairs: Iterable[tuple[int, str]]) -> Iterator[int]:
    """Yield the papers of (paper, topic) pairs: the first of each topic, then the second, …"""
    seen: Counter[str] = Counter()
    turns = []
    for place, (paper_id, topic) in enumerate(pairs):
        turns.append((seen[topic], place, paper_id))
        seen[topic] += 1
    return (paper_id for _turn, _place, paper_id in sorted(turns))


# --- a library -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Imported:
    """How many entries are `known` papers, the `number` in all, and how many were broken."""

    known: int
    number: int
    bad: int


@transaction.atomic
def add_library(subscriber: Subscriber, library: Library, now: datetime) -> Imported:
    """Store a vote up for each of the library's papers that we know. Safe to repeat.

    The reader's own votes and picks stay. Of all papers that ever came from their libraries, only
    the `MOST_FROM_LIBRARY` newest count.
    """
    known = known_papers(library.references)
    theirs = Vote.objects.filter(subscriber=subscriber)
    voted = set(theirs.exclude(origin=Vote.Origin.IMPORT).values_list("paper_id", flat=True))
    before = set(theirs.filter(origin=Vote.Origin.IMPORT).values_list("paper_id", flat=True))
    wanted = {paper_id for paper_id in known if paper_id is not None} | before
    newest = Paper.objects.filter(pk__in=wanted - voted).order_by("-first_seen_at", "-pk")
    kept = list(newest.values_list("pk", flat=True)[:MOST_FROM_LIBRARY])
    theirs.filter(paper__in=before.difference(kept)).delete()
    votes = _votes_up(subscriber, kept, Vote.Origin.IMPORT, now)
    Vote.objects.bulk_create(votes, ignore_conflicts=True)
    number = len(known) + library.bad
    return Imported(len(known) - known.count(None), number, library.bad)


def from_library(subscriber: Subscriber) -> int:
    """Return how many papers of the reader's own library count."""
    return Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.IMPORT).count()


def forget_library(subscriber: Subscriber) -> None:
    Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.IMPORT).delete()


def _votes_up(
    subscriber: Subscriber, paper_ids: Iterable[int], origin: Vote.Origin, now: datetime
) -> list[Vote]:
    """Return unsaved votes up for these papers."""
    return [
        Vote(
            subscriber=subscriber,
            paper_id=paper_id,
            value=Vote.Value.MORE,
            origin=origin,
            at=now,
        )
        for paper_id in paper_ids
    ]


def known_papers(references: Sequence[Reference]) -> list[int | None]:
    """Return the id of the paper for each reference, None if we do not have it. Two queries."""
    keys = {key for reference in references for key in reference.keys}
    titles = {key for reference in references for key in reference.title_keys}
    rows = list(
        Paper.objects.filter(Q(key__in=keys) | Q(title_key__in=titles))
        .order_by("-pk")
        .values_list("pk", "key", "title_key")
    )
    others = PaperKey.objects.filter(key__in=keys).values_list("key", "paper_id")
    by_key = dict(others) | {key: pk for pk, key, _title in rows}
    by_title = {title: pk for pk, _key, title in rows}
    return [
        next((by_key[key] for key in reference.keys if key in by_key), None)
        or next((by_title[key] for key in reference.title_keys if key in by_title), None)
        for reference in references
    ]
