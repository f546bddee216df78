"""What ranking chose for a group of readers, in the form that digests store."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digest.ranking.batch import Chosen, Kind
from subscribers.models import Term

from . import reasons
from .arrays import Places, nearest_likes, strongest_terms
from .candidates import CandidateSet
from .interests import Interests

# A paper of a selection: its column, and its index among the candidates.
Pick = tuple[int, int]
# Looking up a member of an enumeration takes longer, and this is needed for each reason.
_AUTHOR = Term.Kind.AUTHOR.value


class Selections:
    """Paper ids, reasons and contributions of each reader of a group, by row.

    Arrays are turned into lists once for the group, because reading single numbers from arrays
    is slow.
    """

    def __init__(
        self,
        candidate_set: CandidateSet,
        interests: Interests,
        chosen: Chosen,
        readers: Sequence[int],
    ) -> None:
        """`readers` are the subscriber ids of the rows."""
        self.paper_ids: list[int] = candidate_set.candidates.paper_ids.tolist()
        self.topic_ids = candidate_set.candidates.topic_ids
        self.votes: list[int] = candidate_set.candidates.votes.astype(np.int64).tolist()
        self.topics: list[list[int]] = chosen.topics.tolist()
        self._places: list[list[int]] = chosen.places.tolist()
        self._kinds: list[list[int]] = chosen.kinds.tolist()
        numbers = np.concatenate([chosen.parts, chosen.chances[:, :, np.newaxis]], axis=2)
        thousandths = np.clip(np.rint(numbers * 1000), -32768, 32767).astype(np.int16)
        # For each reader one list, which holds the numbers of all papers one after the other.
        self._parts: list[list[int]] = thousandths.reshape(len(thousandths), -1).tolist()
        self._width = thousandths.shape[2]
        self.index = candidate_set.index
        known = (readers, interests, self.index)
        # By row and place.
        self.terms = dict(strongest_terms(*known, _of_kind(chosen, Kind.TERM)))
        self.likes = dict(nearest_likes(*known, _of_kind(chosen, Kind.TASTE)))

    def picks(self, row: int) -> list[Pick]:
        """Return the reader's papers, the best first."""
        return [(column, place) for column, place in enumerate(self._places[row]) if place >= 0]

    def contributions(self, row: int, picks: Sequence[Pick]) -> tuple[tuple[int, ...], ...]:
        """Return what each `Part` added to each paper's score, and the chance of the choice.

        Both are in thousandths.
        """
        # `zip` takes as many numbers from the one iterator as a paper has parts.
        rows = tuple(zip(*[iter(self._parts[row])] * self._width, strict=True))
        return rows if len(picks) == len(rows) else tuple([rows[column] for column, _ in picks])

    def reasons(self, row: int, picks: Sequence[Pick]) -> list[str]:
        """Return the code of each paper's reason (``reasons``)."""
        evidence = _ReaderEvidence(self, row)
        codes, kinds = reasons.CODES, self._kinds[row]
        return [codes[kinds[column]](evidence, column, place) for column, place in picks]


def _of_kind(chosen: Chosen, kind: Kind) -> Places:
    rows, columns = np.nonzero((chosen.kinds == kind) & (chosen.places >= 0))
    return Places(rows, chosen.places[rows, columns])


@dataclass(frozen=True, slots=True)
class _ReaderEvidence:
    """What reasons may name of one reader (``reasons.Evidence``)."""

    group: Selections
    row: int

    def topic_id(self, column: int) -> int:
        return self.group.topic_ids[self.group.topics[self.row][column]]

    def votes(self, place: int) -> int:
        return self.group.votes[place]

    def strongest_term(self, place: int) -> tuple[str, str, bool]:
        term, is_held = self.group.terms[self.row, place]
        if term.kind == _AUTHOR:
            printed = self.group.index.printed(place, term.text)
            return term.kind, reasons.author(term.text, printed), is_held
        return term.kind, term.text, is_held

    def strongest_like(self, place: int) -> tuple[str, int, str]:
        like, title = self.group.likes[self.row, place]
        return like.code, like.paper_id, title
