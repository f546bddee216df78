"""Papers that a reader names as examples: picked from recent ones, or found in their library.

Each becomes a vote up, of its own origin, and counts as such with the very next digest. Of a
library nothing is kept beside these votes.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from digest.models import EditionPaper, Paper, Vote
from digest.site import archive
from subscribers.models import Subscriber, Subscription

from .bibliography import Entry, Library

# More would drown what votes say later.
MOST = 20
MOST_FROM_LIBRARY = 50
OFFERED = 12
# So many of those offered are on the reader's own topics, if there are as many.
_OURS = 8
# Offered are the most voted of so many of the newest papers: a week or two.
_RECENT = 600

MUTED, LESS = Subscription.Emphasis.MUTED, Subscription.Emphasis.LESS


# --- picking -------------------------------------------------------------------------------
def picked(subscriber: Subscriber) -> list[int]:
    """The ids of the papers that the reader has picked, in that order."""
    votes = Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.EXAMPLE)
    return list(votes.order_by("at", "pk").values_list("paper_id", flat=True))


@transaction.atomic
def pick(subscriber: Subscriber, paper_ids: Collection[int], now: datetime) -> None:
    """Make these the papers that the reader has picked, and no other. Safe to repeat.

    What they said of one of them in another way is forgotten: the last word counts. Papers
    that not everybody may read of are left out.
    """
    Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.EXAMPLE).exclude(
        paper__in=paper_ids
    ).delete()
    before = picked(subscriber)
    wanted = archive.public().filter(paper__in=set(paper_ids) - set(before))
    paper_ids = wanted.order_by("pk").values_list("paper_id", flat=True)
    Vote.objects.bulk_create(
        _votes_up(subscriber, paper_ids, Vote.Origin.EXAMPLE, now),
        update_conflicts=True,
        unique_fields=["subscriber", "paper"],
        update_fields=["value", "origin", "at"],
    )


def papers(paper_ids: Sequence[int]) -> list[EditionPaper]:
    """The papers with these ids that everybody may read of, in this order."""
    found = {each.paper_id: each for each in archive.public().filter(paper__in=paper_ids)}
    return [found[paper_id] for paper_id in paper_ids if paper_id in found]


def offered(subscriber: Subscriber, without: Collection[int]) -> list[EditionPaper]:
    """Recent papers that many have voted for, mixed over the topics, the reader's own first.

    Neither those `without` nor what the reader has voted on or muted the topic of.
    """
    emphases = dict(
        Subscription.objects.filter(subscriber=subscriber).values_list("topic_id", "emphasis")
    )
    voted = Vote.objects.filter(subscriber=subscriber).values_list("paper_id", flat=True)
    known = {*without, *voted}
    rows = archive.public().order_by("-pk").values_list("paper_id", "paper__votes", "fits")
    ours: list[tuple[int, str]] = []
    others: list[tuple[int, str]] = []
    for paper_id, _votes, fits in sorted(rows[:_RECENT], key=lambda row: -row[1]):
        said = {emphases.get(int(topic)) for topic in fits}
        if paper_id in known or MUTED in said:
            continue
        best = max(fits, key=fits.__getitem__, default="")
        is_ours = best in fits and emphases.get(int(best), LESS) > LESS
        (ours if is_ours else others).append((paper_id, best))
    mine, rest = list(_mixed(ours)), list(_mixed(others))
    return papers([*mine[:_OURS], *rest, *mine[_OURS:]][:OFFERED])


def _mixed(pairs: Iterable[tuple[int, str]]) -> Iterator[int]:
    """The papers of (paper, topic), the first on each topic first, then the second, and so on."""
    seen: Counter[str] = Counter()
    turns = []
    for place, (paper_id, topic) in enumerate(pairs):
        turns.append((seen[topic], place, paper_id))
        seen[topic] += 1
    return (paper_id for _turn, _place, paper_id in sorted(turns))


# --- a library -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Imported:
    """Of so many entries we know the papers, of so many in all; and so many were broken."""

    known: int
    number: int
    bad: int


@transaction.atomic
def add_library(subscriber: Subscriber, library: Library, now: datetime) -> Imported:
    """Count the library's papers, those that we know, as liked. Safe to repeat.

    What the reader has said of a paper stays. Of all that ever came from libraries the newest
    papers count, and not too many of them.
    """
    known = _known(library.entries)
    theirs = Vote.objects.filter(subscriber=subscriber)
    said = set(theirs.exclude(origin=Vote.Origin.IMPORT).values_list("paper_id", flat=True))
    before = set(theirs.filter(origin=Vote.Origin.IMPORT).values_list("paper_id", flat=True))
    wanted = {paper_id for paper_id in known if paper_id is not None} | before
    newest = Paper.objects.filter(pk__in=wanted - said).order_by("-first_seen_at", "-pk")
    kept = list(newest.values_list("pk", flat=True)[:MOST_FROM_LIBRARY])
    theirs.filter(paper__in=before.difference(kept)).delete()
    Vote.objects.bulk_create(
        _votes_up(subscriber, kept, Vote.Origin.IMPORT, now), ignore_conflicts=True
    )
    number = len(known) + library.bad
    return Imported(len(known) - known.count(None), number, library.bad)


def from_library(subscriber: Subscriber) -> int:
    """How many papers of the reader's own library count."""
    return Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.IMPORT).count()


def forget_library(subscriber: Subscriber) -> None:
    Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.IMPORT).delete()


def _votes_up(
    subscriber: Subscriber, paper_ids: Iterable[int], origin: Vote.Origin, now: datetime
) -> list[Vote]:
    """Votes for these papers, not saved."""
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


def _known(entries: Sequence[Entry]) -> list[int | None]:
    """The paper that each entry is, None for those that we do not have. One query."""
    keys = {key for entry in entries for key in entry.keys}
    titles = {key for entry in entries for key in entry.title_keys}
    rows = list(
        Paper.objects.filter(Q(key__in=keys) | Q(title_key__in=titles))
        .order_by("-pk")
        .values_list("pk", "key", "title_key")
    )
    by_key = {key: pk for pk, key, _title in rows}
    by_title = {title: pk for pk, _key, title in rows}
    return [
        next((by_key[key] for key in entry.keys if key in by_key), None)
        or next((by_title[key] for key in entry.title_keys if key in by_title), None)
        for entry in entries
    ]
