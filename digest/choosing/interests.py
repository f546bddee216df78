"""What readers asked for, read from the database for a whole batch at once.

A reader's interests are rows that they made themselves: topics with an emphasis, words and
authors, and votes. Nothing derived from them is stored, so a change counts in the very next
digest.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from digest.models import Vote
from digest.ranking import weights
from subscribers.database import array, fetch
from subscribers.models import Subscription

from . import reasons

Emphasis = Subscription.Emphasis
# The weight of a topic by its emphasis. Topics that the reader did not choose have no weight.
# Muted topics need none, because their papers are never sent.
TOPIC_WEIGHTS: Mapping[int, float] = {
    Emphasis.LESS: weights.LESS,
    Emphasis.NORMAL: weights.TOPIC,
    Emphasis.MORE: 1.5 * weights.TOPIC,
}
# A vote loses half of its weight in this time, and only the newest votes count at all.
HALF_LIFE = timedelta(days=365)
_MOST_VOTES = 100
# A paper that readers chose among those that we asked about is less like what they want than one
# that they voted up in a digest. Two in five, so that few answers do not outweigh what they said.
RATED_WEIGHT = 0.4
# Opening a paper shows curiosity rather than approval: five clicks weigh as much as one vote up,
# and fade like votes. Only the newest clicks in the newest digests count, so that all of them
# together weigh no more than six votes.
_CLICK_WEIGHT = 0.2
_MOST_CLICKS = 30
_CLICKED_DIGESTS = 30


class TermRow(NamedTuple):
    """A keyword or an author that a reader follows or mutes."""

    kind: str
    key: str
    text: str
    is_muted: bool


class Like(NamedTuple):
    """A vote or a click that counts.

    A `weight` above 0 speaks for papers like this one, a weight below 0 against them. `code` is
    the kind of reason that it gives (``reasons``).
    """

    paper_id: int
    weight: float
    code: str


@dataclass(frozen=True, slots=True)
class Interests:
    """The interests of a batch of readers, by subscriber id.

    `topics` holds pairs of a topic id and an emphasis. Readers without any rows have no entry.
    """

    topics: Mapping[int, Sequence[tuple[int, int]]]
    terms: Mapping[int, Sequence[TermRow]]
    likes: Mapping[int, Sequence[Like]]


def read_interests(
    subscriber_ids: Sequence[int], now: datetime, *, with_clicks: bool = False
) -> Interests:
    """Return the interests of these readers, in three queries.

    Clicks count only if `with_clicks` is true. Clicks by programs never count.
    """
    return Interests(
        _read_topics(subscriber_ids),
        _read_terms(subscriber_ids),
        _read_likes(subscriber_ids, now, with_clicks=with_clicks),
    )


def _read_topics(subscriber_ids: Sequence[int]) -> Mapping[int, Sequence[tuple[int, int]]]:
    topics: dict[int, list[tuple[int, int]]] = defaultdict(list)
    rows = fetch(
        """
        SELECT subscriber_id, topic_id, emphasis FROM subscribers_subscription
        WHERE subscriber_id = ANY(%s)
        """,
        [array(subscriber_ids)],
    )
    for reader, topic_id, emphasis in rows:
        topics[reader].append((topic_id, emphasis))
    return topics


def _read_terms(subscriber_ids: Sequence[int]) -> Mapping[int, Sequence[TermRow]]:
    terms: dict[int, list[TermRow]] = defaultdict(list)
    rows = fetch(
        """
        SELECT subscriber_id, kind, key, text, is_muted FROM subscribers_term
        WHERE subscriber_id = ANY(%s)
        """,
        [array(subscriber_ids)],
    )
    for reader, *term in rows:
        terms[reader].append(TermRow(*term))
    return terms


# The reason that each kind of vote gives; `_CLICKS` below selects 'click' as an origin.
_CODES: Mapping[str, str] = {
    Vote.Origin.MAIL: reasons.LIKED,
    Vote.Origin.EXAMPLE: reasons.PICKED,
    Vote.Origin.IMPORT: reasons.PICKED,
    Vote.Origin.RATING: reasons.LIKED,
    "click": reasons.OPENED,
}
# What a vote counts that does not count fully.
VOTE_WEIGHTS: Mapping[str, float] = {Vote.Origin.RATING: RATED_WEIGHT, "click": _CLICK_WEIGHT}
_VOTES = """
    SELECT paper_id, value, at, origin FROM digest_vote
    WHERE subscriber_id = reader.id ORDER BY at DESC LIMIT %(votes)s
"""
# A vote on a paper overrides the clicks on it.
_CLICKS = """
    SELECT click.paper_id, 1, max(click.at) AS at, 'click'
    FROM (
        SELECT id FROM digest_digest WHERE subscriber_id = reader.id
        ORDER BY local_date DESC LIMIT %(digests)s
    ) had JOIN digest_click click ON click.digest_id = had.id
    WHERE NOT click.is_machine AND NOT EXISTS (
        SELECT FROM digest_vote said
        WHERE said.subscriber_id = reader.id AND said.paper_id = click.paper_id
    )
    GROUP BY click.paper_id ORDER BY at DESC LIMIT %(clicks)s
"""


def _read_likes(
    subscriber_ids: Sequence[int], now: datetime, *, with_clicks: bool
) -> Mapping[int, Sequence[Like]]:
    likes: dict[int, list[Like]] = defaultdict(list)
    newest = f"({_VOTES}) UNION ALL ({_CLICKS})" if with_clicks else _VOTES
    rows = fetch(
        f"""
        SELECT reader.id, newest.*
        FROM unnest(%(readers)s::bigint[]) reader(id), LATERAL ({newest}) newest
        """,
        {
            "readers": array(subscriber_ids),
            "votes": _MOST_VOTES,
            "clicks": _MOST_CLICKS,
            "digests": _CLICKED_DIGESTS,
        },
    )
    for reader, paper_id, value, at, origin in rows:
        faded = value * VOTE_WEIGHTS.get(origin, 1.0) * 0.5 ** ((now - at) / HALF_LIFE)
        likes[reader].append(Like(paper_id, faded, _CODES[origin]))
    return likes
