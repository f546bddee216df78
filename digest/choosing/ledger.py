"""What readers were already sent, so that nobody gets a paper twice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from digest.models import Digest, Paper
from subscribers.database import array, fetch

# How much later than its edition's date a digest may still go out, and how far a reader's calendar
# may be behind.
LONGEST_DELAY = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The digests that the readers of a batch were sent in the last days, by subscriber id.

    `last_date` is the date of the newest edition among them; readers without any have no entry.
    `withdrawn` are candidates that were withdrawn or dropped after their edition closed: they count
    as sent, to everybody.
    """

    last_date: Mapping[int, date]
    paper_ids: Mapping[int, frozenset[int]]
    withdrawn: frozenset[int] = frozenset()

    def sent(
        self, subscriber_ids: Sequence[int], candidate_ids: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return which candidates each reader was already sent: bool (readers, candidates)."""
        sent = np.zeros((len(subscriber_ids), len(candidate_ids)), dtype=np.bool_)
        for row, subscriber_id in enumerate(subscriber_ids):
            if papers := self.paper_ids.get(subscriber_id):
                sent[row] = np.isin(candidate_ids, list(papers))
        if self.withdrawn:
            sent[:, np.isin(candidate_ids, list(self.withdrawn))] = True
        return sent


def read_ledger(
    subscriber_ids: Sequence[int], digest_ids: Sequence[int], dates: Mapping[int, date]
) -> Ledger:
    """Return what these readers were sent from the editions in `dates` (date by id).

    What is being sent counts as sent, except for the digests in `digest_ids`, which are being
    composed. A paper is a candidate in one edition only, so older digests cannot hold any of these
    papers. One query, which looks up each reader's last days by the unique key.
    """
    last_date: dict[int, date] = {}
    paper_ids: dict[int, frozenset[int]] = defaultdict(frozenset)
    rows = fetch(
        _HAD,
        {
            "readers": array(subscriber_ids),
            "digests": array(digest_ids),
            "since": min(dates.values()) - LONGEST_DELAY,
            "withdrawn": [aside.value for aside in Paper.GONE],
            "editions": list(dates),
            "states": [state.value for state in (*Digest.SURELY_SENT, Digest.State.SENDING)],
        },
    )
    withdrawn: frozenset[int] = frozenset()
    for subscriber_id, edition_id, papers in rows:
        if subscriber_id is None:
            withdrawn |= frozenset(papers)
        elif day := dates.get(edition_id):
            last_date[subscriber_id] = max(day, last_date.get(subscriber_id, day))
            paper_ids[subscriber_id] |= frozenset(papers)
    return Ledger(last_date, paper_ids, withdrawn)


# OFFSET 0 keeps PostgreSQL from flattening the subquery; without it, while the table grows and its
# statistics are out of date, the planner would read the whole table instead.
_HAD = """
    SELECT reader.id, had.edition_id, had.paper_ids
    FROM unnest(%(readers)s::bigint[]) reader(id), LATERAL (
        SELECT edition_id, paper_ids FROM digest_digest
        WHERE subscriber_id = reader.id AND local_date > %(since)s
            AND state = ANY(%(states)s) AND id <> ALL(%(digests)s)
        OFFSET 0
    ) had
    UNION ALL
    SELECT NULL, gone.edition_id, array_agg(gone.paper_id)
    FROM digest_editionpaper gone JOIN digest_paper paper ON paper.id = gone.paper_id
    WHERE paper.set_aside = ANY(%(withdrawn)s) AND gone.edition_id = ANY(%(editions)s)
    GROUP BY gone.edition_id
"""
