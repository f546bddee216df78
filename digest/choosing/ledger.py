"""What readers were already sent, so that nobody gets a paper twice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from digest.models import Digest
from subscribers.database import fetch


@dataclass(frozen=True, slots=True)
class Ledger:
    """The digests that the readers of a batch were sent in the last days, by subscriber id.

    `last_date` is the date of the newest edition among them; readers without any have no entry.
    """

    last_date: Mapping[int, date]
    paper_ids: Mapping[int, frozenset[int]]

    def sent(
        self, subscriber_ids: Sequence[int], candidate_ids: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return which candidates each reader was already sent: bool (readers, candidates)."""
        sent = np.zeros((len(subscriber_ids), len(candidate_ids)), dtype=np.bool_)
        for row, subscriber_id in enumerate(subscriber_ids):
            if papers := self.paper_ids.get(subscriber_id):
                sent[row] = np.isin(candidate_ids, list(papers))
        return sent


def read_ledger(subscriber_ids: Sequence[int], dates: Mapping[int, date]) -> Ledger:
    """Return what these readers were surely sent from the editions in `dates` (date by id).

    A paper is a candidate in one edition only, so older digests cannot hold any of these papers.
    One query. It looks up each pair of edition and reader by the unique key. OFFSET 0 keeps
    PostgreSQL from flattening the subquery; without it, while the table grows and its statistics
    are out of date, the planner would read the whole table instead.
    """
    last_date: dict[int, date] = {}
    paper_ids: dict[int, frozenset[int]] = defaultdict(frozenset)
    rows = fetch(
        """
        SELECT reader.id, edition.id, had.paper_ids
        FROM unnest(%s::bigint[]) reader(id), unnest(%s::bigint[]) edition(id), LATERAL (
            SELECT paper_ids FROM digest_digest
            WHERE edition_id = edition.id AND subscriber_id = reader.id AND state = ANY(%s)
            OFFSET 0
        ) had
        """,
        [list(subscriber_ids), list(dates), [state.value for state in Digest.SURELY_SENT]],
    )
    for subscriber_id, edition_id, papers in rows:
        day = dates[edition_id]
        last_date[subscriber_id] = max(day, last_date.get(subscriber_id, day))
        paper_ids[subscriber_id] |= frozenset(papers)
    return Ledger(last_date, paper_ids)
