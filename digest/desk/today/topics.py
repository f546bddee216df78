"""Votes and clicks by topic: each paper counts for the topic that it fits best."""

from collections.abc import Sequence
from dataclasses import dataclass

from subscribers.database import fetch
from subscribers.models import Topic

DAYS = 30
# Up to here followers are counted; beyond, PostgreSQL's own estimate is near enough.
EXACTLY = 50_000


@dataclass(frozen=True, slots=True)
class TopicFigures:
    """What readers said within `DAYS` days about the papers of a topic; "" is without a topic."""

    label: str
    more: int
    less: int
    clicks: int

    @property
    def votes(self) -> int:
        return self.more + self.less


def look() -> Sequence[TopicFigures]:
    """Return the topics with any votes or clicks, most votes first."""
    rows = fetch(
        """
        SELECT topic.id,
            coalesce(sum(number) FILTER (WHERE kind = 'more'), 0)::bigint AS more,
            coalesce(sum(number) FILTER (WHERE kind = 'less'), 0)::bigint AS less,
            coalesce(sum(number) FILTER (WHERE kind = 'click'), 0)::bigint AS clicks
        FROM (
            SELECT paper, kind, sum(number) AS number FROM digest_feedbackcount
            WHERE day > (now() AT TIME ZONE 'UTC')::date - %(days)s
            GROUP BY paper, kind HAVING sum(number) <> 0
        ) said
        LEFT JOIN LATERAL (
            SELECT topic_id AS id FROM digest_papertopic fits WHERE fits.paper_id = said.paper
            ORDER BY fit DESC, topic_id LIMIT 1
        ) topic ON true
        GROUP BY topic.id
        """,
        {"days": DAYS},
    )
    labels = Topic.labels()
    topics = [TopicFigures(labels.get(pk, ""), *numbers) for pk, *numbers in rows]
    return sorted(topics, key=lambda topic: (-topic.votes, -topic.clicks, topic.label))


def followers() -> dict[int, int]:
    """How many active readers follow each topic.

    If they are many, nearly, and with those who left: PostgreSQL keeps the shares of the most
    frequent topics of a large table.
    """
    ((rows, topics, shares),) = fetch(
        """
        SELECT reltuples::bigint, most_common_vals::text::bigint[], most_common_freqs
        FROM pg_class LEFT JOIN pg_stats ON schemaname = 'public'
            AND tablename = 'subscribers_subscription' AND attname = 'topic_id'
        WHERE oid = 'subscribers_subscription'::regclass
        """
    )
    if rows > EXACTLY and topics:
        return {pk: round(rows * share) for pk, share in zip(topics, shares, strict=True)}
    counted = fetch(
        """
        SELECT topic_id, count(*) FROM (
            SELECT topic_id FROM subscribers_subscription s
            JOIN subscribers_subscriber r ON r.id = s.subscriber_id AND r.state = 'active' LIMIT %s
        ) followed GROUP BY topic_id
        """,
        [5 * EXACTLY],
    )
    return dict(counted)
