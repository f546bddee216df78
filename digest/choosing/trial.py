"""A trial of a ranking on real readers: each digest is drafted from two rankings, votes decide.

Off, unless the operator says what the challenger does differently. The draft is by teams
(``ranking.interleaving``): the standing ranking and the challenger take turns, and the digest's
row keeps who took which paper. Votes and clicks are credit for whoever took the paper.
"""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import inf

import numpy as np
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from numpy.typing import NDArray

from digest.models import Vote
from digest.ranking.interleaving import (
    CLICK_CREDIT,
    VOTE_CREDIT,
    Share,
    Team,
    credit_share,
    interleave,
)
from digest.ranking.rank import SAME, Candidates, Chosen, Floats, Readers, rank

# A trial is not decided by fewer readers than this, whatever the interval says.
LEAST_READERS = 50


# --- the challenger ------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Challenger:
    """What the ranking that is tried does differently.

    `name` is stored with each paper that it chose. `votes` takes the place of the standing
    weight of votes, if it is there; the others are times what that part of a score is now.
    """

    name: str
    topics: float = 1.0
    terms: float = 1.0
    taste: float = 1.0
    votes: float | None = None


# By the names that operators write: the fields of a challenger.
_FIELDS = {
    "TOPIC_WEIGHT": "topics",
    "TERM_WEIGHT": "terms",
    "TASTE_WEIGHT": "taste",
    "VOTE_WEIGHT": "votes",
}


def challenger_of(words: Sequence[str]) -> Challenger | None:
    """The challenger of ``RANKING_TRIAL`` (``VOTE_WEIGHT=0.1``, ``TASTE_WEIGHT=2``); None if
    there is nothing to try. Raises ImproperlyConfigured for a name or a weight that is none."""
    changes = {}
    for word in words:
        name, _, value = word.partition("=")
        if name.strip() not in _FIELDS:
            known = ", ".join(_FIELDS)
            raise ImproperlyConfigured(f"RANKING_TRIAL knows {known}, and not {name.strip()!r}.")
        changes[name.strip()] = _weight(value)
    if not changes:
        return None
    # The same trial has the same name, in whatever order it is written.
    title = ",".join(f"{name}={weight:g}" for name, weight in sorted(changes.items()))
    return Challenger(title, **{_FIELDS[name]: weight for name, weight in changes.items()})


def _weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < inf:
        raise ImproperlyConfigured(f"RANKING_TRIAL holds weights from 0 on, not {value!r}.")
    return weight


# --- the draft -----------------------------------------------------------------------------
def draft(
    challenger: Challenger,
    standing: Chosen,
    candidates: Candidates,
    readers: Readers,
    seeds: Sequence[int],
    *,
    vote_weight: float,
    least: int,
) -> tuple[Chosen, list[list[str]]]:
    """Each reader's papers from both rankings, and what chose each (r rows of k): the
    challenger by its name or, "", the ranking as it stands.

    A paper comes with the kind and the contributions that it has in the ranking that took it.
    Nobody gets more papers than the longer of the two selections has, and no news twice. The
    same `seeds` (one for each reader) draw the same.
    """
    weighed = replace(
        readers,
        topics=_times(readers.topics, challenger.topics),
        terms=None if readers.terms is None else _times(readers.terms, challenger.terms),
        taste=None if readers.taste is None else _times(readers.taste, challenger.taste),
    )
    votes = vote_weight if challenger.votes is None else challenger.votes
    challenging = rank(candidates, weighed, vote_weight=votes, least=least)
    # What says the same goes by the name of the first paper that does.
    news = (candidates.overlaps > SAME).argmax(axis=1)
    drafts = [
        _draft(news, ours, theirs, seed)
        for ours, theirs, seed in zip(standing.places, challenging.places, seeds, strict=True)
    ]
    chosen, is_theirs = _picked(drafts, standing, challenging)
    return chosen, np.where(is_theirs, challenger.name, "").tolist()


def _times(floats: Floats, weight: float) -> Floats:
    return floats * np.float32(weight)


def _draft(
    news: NDArray[np.intp], ours: NDArray[np.int64], theirs: NDArray[np.int64], seed: int
) -> list[int]:
    """The columns of one reader's papers, best first; the challenger's follow on ours."""
    columns = {Team.A: _columns(news, ours, 0), Team.B: _columns(news, theirs, len(ours))}
    length = max(map(len, columns.values()))
    drafted = interleave(list(columns[Team.A]), list(columns[Team.B]), length, seed)
    pairs = zip(drafted.paper_ids, drafted.teams, strict=True)
    return [columns[team][told] for told, team in pairs]


def _columns(news: NDArray[np.intp], places: NDArray[np.int64], start: int) -> dict[int, int]:
    """The first column of each piece of news in a ranking, best first."""
    columns: dict[int, int] = {}
    for column, place in enumerate(places):
        if place >= 0:
            columns.setdefault(int(news[place]), start + column)
    return columns


def _picked(
    drafts: Sequence[Sequence[int]], standing: Chosen, challenging: Chosen
) -> tuple[Chosen, NDArray[np.bool_]]:
    """The columns of `drafts` out of both rankings laid side by side, and which of them (r, k)
    are the challenger's."""
    width = max(map(len, drafts), default=0)
    picks = np.array([[*row, *[-1] * (width - len(row))] for row in drafts], dtype=np.int64)
    at = np.maximum(picks, 0)
    kinds = np.concatenate([standing.kinds, challenging.kinds], axis=1)
    topics = np.concatenate([standing.topics, challenging.topics], axis=1)
    places = np.concatenate([standing.places, challenging.places], axis=1)
    parts = np.concatenate([standing.parts, challenging.parts], axis=1)
    chosen = Chosen(
        places=np.where(picks < 0, -1, np.take_along_axis(places, at, axis=1)),
        kinds=np.take_along_axis(kinds, at, axis=1),
        topics=np.take_along_axis(topics, at, axis=1),
        parts=np.take_along_axis(parts, at[:, :, np.newaxis], axis=1),
    )
    return chosen, picks >= standing.places.shape[1]


def seed_of(edition_id: int, subscriber_id: int) -> int:
    """The lot that decides who begins: the same whenever a digest is composed again."""
    return zlib.crc32(f"trial:{edition_id}:{subscriber_id}".encode())


# --- the result ----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Result:
    """How a trial stands. `digests` were drafted for `readers` in it, from `first` to `last`;
    `share` is the challenger's, None while nobody gave credit."""

    name: str
    first: date
    last: date
    digests: int
    readers: int
    share: Share | None

    @property
    def verdict(self) -> str:
        """Whether it is decided, in plain words."""
        if self.share is None or self.share.readers < LEAST_READERS:
            return f"Not decided: fewer than {LEAST_READERS} readers gave either ranking credit."
        if self.share.low > 0.5:
            return "Decided: readers prefer the challenger."
        if self.share.high < 0.5:
            return "Decided: readers prefer the ranking as it stands."
        return "Not decided: the interval holds 50 %, where both are as good."


def results() -> list[Result]:
    """All trials that there were, the newest first, in one query.

    In each digest whoever has more credit wins, and nobody if both have as much; each reader
    counts once, by the share of their digests that the challenger won (`credit_share`, with
    Wilson's interval). A vote up from a mail and a click each count once for a paper, and
    clicks by programs do not.
    """
    trials: dict[str, list[tuple[int, int, int, date, date]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT challenger, count(*) FILTER (WHERE theirs > ours),
                count(*) FILTER (WHERE ours > theirs), count(*), min(date), max(date)
            FROM (
                SELECT d.subscriber_id, e.date, max(pick.chosen_by) AS challenger,
                    coalesce(sum(credit) FILTER (WHERE pick.chosen_by = ''), 0) AS ours,
                    coalesce(sum(credit) FILTER (WHERE pick.chosen_by <> ''), 0) AS theirs
                FROM digest_digest d JOIN digest_edition e ON e.id = d.edition_id, LATERAL (
                    SELECT paper.chosen_by,
                        CASE WHEN EXISTS (
                            SELECT FROM digest_vote v
                            WHERE v.subscriber_id = d.subscriber_id AND v.paper_id = paper.id
                                AND v.value > 0 AND v.origin = %(from_mail)s
                        ) THEN %(vote)s ELSE 0 END
                        + CASE WHEN EXISTS (
                            SELECT FROM digest_click c
                            WHERE c.digest_id = d.id AND c.paper_id = paper.id
                                AND NOT c.is_machine
                        ) THEN %(click)s ELSE 0 END AS credit
                    FROM unnest(d.paper_ids, d.chosen_by) paper(id, chosen_by)
                ) pick
                WHERE d.chosen_by IS NOT NULL AND d.subscriber_id IS NOT NULL
                GROUP BY d.id, e.date
            ) drafted
            WHERE challenger <> ''
            GROUP BY challenger, subscriber_id
            """,
            {"vote": VOTE_CREDIT, "click": CLICK_CREDIT, "from_mail": Vote.Origin.MAIL.value},
        )
        for name, *reader in cursor.fetchall():
            trials[name].append(tuple(reader))
    found = [_result(name, readers) for name, readers in trials.items()]
    return sorted(found, key=lambda result: (result.last, result.name), reverse=True)


def _result(name: str, readers: Sequence[tuple[int, int, int, date, date]]) -> Result:
    theirs, ours, digests, firsts, lasts = zip(*readers, strict=True)
    return Result(
        name=name,
        first=min(firsts),
        last=max(lasts),
        digests=sum(digests),
        readers=len(readers),
        share=credit_share(zip(theirs, ours, strict=True)),
    )
