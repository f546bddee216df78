"""Try another ranking on real readers: digests are drafted from two rankings, and votes decide.

Trials are off unless the operator names a challenger, that is, a ranking with other weights
(``RANKING_TRIAL``). Then the challenger and the current ranking take papers in turn
(``ranking.interleaving``), and the digest's row records which ranking took which paper. Votes and
clicks on a paper are credited to the ranking that took it.
"""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import inf

import numpy as np
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from digest.models import Vote
from digest.ranking.batch import Candidates, Chosen, Floats, Readers
from digest.ranking.interleaving import (
    CLICK_CREDIT,
    VOTE_CREDIT,
    Share,
    Team,
    credit_share,
    interleave,
)
from digest.ranking.rank import SAME, rank
from subscribers.database import fetch

# Fewer readers than this do not decide a trial, whatever the interval is.
LEAST_READERS = 50


# --- the challenger ------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Challenger:
    """How the ranking on trial differs from the current one.

    `name` is stored with each paper that it took. `votes` replaces the current weight of votes,
    unless it is None. The other weights multiply that part of the score.
    """

    name: str
    topics: float = 1.0
    terms: float = 1.0
    taste: float = 1.0
    votes: float | None = None


# The names that operators write, and the fields of a challenger that they set.
_FIELDS = {
    "TOPIC_WEIGHT": "topics",
    "TERM_WEIGHT": "terms",
    "TASTE_WEIGHT": "taste",
    "VOTE_WEIGHT": "votes",
}


def challenger_of(words: Sequence[str]) -> Challenger | None:
    """Return the challenger that ``RANKING_TRIAL`` describes, or None if `words` is empty.

    `words` are like ``VOTE_WEIGHT=0.1`` and ``TASTE_WEIGHT=2``. Raises ImproperlyConfigured for
    unknown names, and for weights that are not finite numbers from 0 up.
    """
    changes = {}
    for word in words:
        name, _, value = word.partition("=")
        if name.strip() not in _FIELDS:
            known = ", ".join(_FIELDS)
            raise ImproperlyConfigured(f"RANKING_TRIAL accepts {known}, not {name.strip()!r}.")
        changes[name.strip()] = _weight(value)
    if not changes:
        return None
    # Sorted, so that the same trial has the same name in whatever order it is written.
    title = ",".join(f"{name}={weight:g}" for name, weight in sorted(changes.items()))
    return Challenger(title, **{_FIELDS[name]: weight for name, weight in changes.items()})


def _weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < inf:
        raise ImproperlyConfigured(f"RANKING_TRIAL accepts weights from 0 up, not {value!r}.")
    return weight


# --- the draft -----------------------------------------------------------------------------
def draft(
    challenger: Challenger,
    current: Chosen,
    candidates: Candidates,
    readers: Readers,
    seeds: Sequence[int],
    *,
    vote_weight: float,
) -> tuple[Chosen, list[list[str]]]:
    """Return each reader's papers, drafted from both rankings, and which ranking took each.

    The second value has r rows of k names: the challenger's, or "" for the current ranking. Each
    paper keeps its kind and contributions from the ranking that took it. No reader gets more
    papers than the longer of the two selections holds, or the same news twice. The same `seeds`
    (one for each reader) give the same draft. `vote_weight` is that of ``ranking.rank.rank``.
    """
    weighed = replace(
        readers,
        topics=readers.topics * np.float32(challenger.topics),
        terms=_times(readers.terms, challenger.terms),
        taste=_times(readers.taste, challenger.taste),
    )
    votes = vote_weight if challenger.votes is None else challenger.votes
    challenging = rank(candidates, weighed, vote_weight=votes)
    # Papers that report the same news are identified by the first of them.
    news = (candidates.overlaps > SAME).argmax(axis=1)
    drafts = [
        _draft(news, ours, theirs, seed)
        for ours, theirs, seed in zip(current.places, challenging.places, seeds, strict=True)
    ]
    chosen, is_theirs = _drafted(drafts, current, challenging)
    return chosen, np.where(is_theirs, challenger.name, "").tolist()


def _times(added: Floats | None, weight: float) -> Floats | None:
    return None if added is None else added * np.float32(weight)


def _draft(
    news: NDArray[np.intp], ours: NDArray[np.int64], theirs: NDArray[np.int64], seed: int
) -> list[int]:
    """Return the columns of one reader's papers, the best first.

    The challenger's columns are counted on from those of the current ranking. `news` (n,)
    identifies the news of each candidate.
    """
    columns = {Team.A: _columns(news, ours, 0), Team.B: _columns(news, theirs, len(ours))}
    length = max(map(len, columns.values()))
    drafted = interleave(list(columns[Team.A]), list(columns[Team.B]), length, seed)
    pairs = zip(drafted.paper_ids, drafted.teams, strict=True)
    return [columns[team][identity] for identity, team in pairs]


def _columns(news: NDArray[np.intp], places: NDArray[np.int64], start: int) -> dict[int, int]:
    """Return the first column of each piece of news in a ranking, the best first."""
    columns: dict[int, int] = {}
    for column, place in enumerate(places):
        if place >= 0:
            columns.setdefault(int(news[place]), start + column)
    return columns


def _drafted(
    drafts: Sequence[Sequence[int]], current: Chosen, challenging: Chosen
) -> tuple[Chosen, NDArray[np.bool_]]:
    """Return the columns in `drafts` of both rankings, the challenger's to the right.

    Also returns which of them are the challenger's: bool (r, k).
    """
    width = max(map(len, drafts), default=0)
    picks = np.array([[*row, *[-1] * (width - len(row))] for row in drafts], dtype=np.int64)
    at = np.maximum(picks, 0)
    kinds = np.concatenate([current.kinds, challenging.kinds], axis=1)
    topics = np.concatenate([current.topics, challenging.topics], axis=1)
    places = np.concatenate([current.places, challenging.places], axis=1)
    parts = np.concatenate([current.parts, challenging.parts], axis=1)
    chances = np.concatenate([current.chances, challenging.chances], axis=1)
    chosen = Chosen(
        places=np.where(picks < 0, -1, np.take_along_axis(places, at, axis=1)),
        kinds=np.take_along_axis(kinds, at, axis=1),
        topics=np.take_along_axis(topics, at, axis=1),
        parts=np.take_along_axis(parts, at[:, :, np.newaxis], axis=1),
        chances=np.take_along_axis(chances, at, axis=1),
    )
    return chosen, picks >= current.places.shape[1]


def seed_of(edition_id: int, subscriber_id: int) -> int:
    """Return the seed of a digest's draft, the same whenever the digest is composed again."""
    return zlib.crc32(f"trial:{edition_id}:{subscriber_id}".encode())


# --- the result ----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class TrialResult:
    """The result of a trial so far.

    `digests` were drafted for `readers`, from `first` to `last`. `share` is the challenger's, None
    while nobody gave credit.
    """

    name: str
    first: date
    last: date
    digests: int
    readers: int
    share: Share | None

    @property
    def verdict(self) -> str:
        """Whether the trial is decided, in words for the operator."""
        if self.share is None or self.share.readers < LEAST_READERS:
            words = _("Not decided: fewer than %(least)s readers gave either ranking credit.")
            return words % {"least": LEAST_READERS}
        if self.share.low > 0.5:
            return _("Decided: readers prefer the challenger.")
        if self.share.high < 0.5:
            return _("Decided: readers prefer the current ranking.")
        return _("Not decided: the interval includes 50 %, where both rankings are equally good.")


# A reader in a trial: digests won by the challenger, by the current ranking, and all; their first
# and last date.
_Reader = tuple[int, int, int, date, date]


def results() -> list[TrialResult]:
    """Return the results of all trials, the newest first, in one query.

    The ranking with more credit wins a digest; equal credit decides nothing. Each reader counts
    once, by the share of their decided digests that the challenger won (`credit_share`). A vote
    up from a mail and a click each count once for a paper, and clicks by programs never.
    """
    trials: dict[str, list[_Reader]] = defaultdict(list)
    rows = fetch(
        _WINS,
        {"vote": VOTE_CREDIT, "click": CLICK_CREDIT, "from_mail": Vote.Origin.MAIL.value},
    )
    for name, *reader in rows:
        trials[name].append(tuple(reader))
    found = [_result(name, readers) for name, readers in trials.items()]
    return sorted(found, key=lambda result: (result.last, result.name), reverse=True)


# The trial's name, and then a `_Reader`.
_WINS = """
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
"""


def _result(name: str, readers: Sequence[_Reader]) -> TrialResult:
    theirs, ours, digests, firsts, lasts = zip(*readers, strict=True)
    return TrialResult(
        name=name,
        first=min(firsts),
        last=max(lasts),
        digests=sum(digests),
        readers=len(readers),
        share=credit_share(zip(theirs, ours, strict=True)),
    )
