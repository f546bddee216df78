"""Our readers as CSV, which a spreadsheet takes for nothing else and `run` reads again."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TextIO

from subscribers.database import fetch
from subscribers.models import Subscription

from .reading import harmless

_BATCH = 5000
_WORDS = (("keyword", False), ("keyword", True), ("author", False), ("author", True))
COLUMNS = (
    *("email", "state", "suppressed", "topics", "zone", "hour", "frequency", "weekday", "length"),
    *("language", "is_exploring", "paused_until", "keywords", "muted_keywords", "authors"),
    *("muted_authors", "consent", "consent_at", "basis", "created_at", "confirmed_at"),
    "unsubscribed_at",
)
_EMPHASES = {one.value: one.name.lower() for one in Subscription.Emphasis}
# The consent is the latest one with which the reader asked for mail.
_READERS = """
SELECT s.id, s.email, s.state, coalesce(x.reason, ''), s.zone, s.hour, s.frequency, s.weekday,
    s.length, s.language, s.is_exploring, s.paused_until, coalesce(c.act, ''), c.at,
    coalesce(c.basis, ''), s.created_at, s.confirmed_at, s.unsubscribed_at
FROM subscribers_subscriber s
LEFT JOIN subscribers_suppression x ON x.address_hash = s.address_hash
LEFT JOIN LATERAL (
    SELECT c.act, c.at, coalesce(nullif(i.basis, ''), c.wording) AS basis
    FROM subscribers_consent c LEFT JOIN subscribers_import i ON i.id = c.imported_with_id
    WHERE c.subscriber_id = s.id AND c.act IN ('asked', 'confirmed', 'resumed', 'imported')
    ORDER BY c.at DESC, c.id DESC LIMIT 1
) c ON true
WHERE s.id > %s ORDER BY s.id LIMIT %s
"""


def export(file: TextIO) -> int:
    """Write all readers to the file, by the batch. Returns how many there are."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    number = 0
    for line in lines():
        writer.writerow(line)
        number += 1
    return number


def lines() -> Iterator[Sequence[str]]:
    """Yield the cells of each reader, in the order in which they came."""
    last = 0
    while batch := fetch(_READERS, [last, _BATCH]):
        ids = [row[0] for row in batch]
        topics, terms = _topics(ids), _terms(ids)
        for pk, email, state, suppressed, *rest in batch:
            words = (terms.get((pk, *kind), "") for kind in _WORDS)
            cells = (email, state, suppressed, topics.get(pk, ""), *rest[:8], *words, *rest[8:])
            yield [harmless(_text(cell)) for cell in cells]
        last = ids[-1]


def _topics(ids: Sequence[int]) -> Mapping[int, str]:
    found: dict[int, list[str]] = {}
    rows = fetch(
        "SELECT subscriber_id, slug, emphasis FROM subscribers_subscription f "
        "JOIN subscribers_topic t ON t.id = f.topic_id "
        "WHERE subscriber_id = ANY(%s) ORDER BY subscriber_id, position, slug",
        [list(ids)],
    )
    for pk, slug, emphasis in rows:
        found.setdefault(pk, []).append(f"{slug}:{_EMPHASES[emphasis]}" if emphasis else slug)
    return {pk: "; ".join(slugs) for pk, slugs in found.items()}


def _terms(ids: Sequence[int]) -> Mapping[tuple[int, str, bool], str]:
    found: dict[tuple[int, str, bool], list[str]] = {}
    rows = fetch(
        "SELECT subscriber_id, kind, is_muted, text FROM subscribers_term "
        "WHERE subscriber_id = ANY(%s) ORDER BY id",
        [list(ids)],
    )
    for pk, kind, is_muted, text in rows:
        found.setdefault((pk, kind, is_muted), []).append(text)
    return {key: json.dumps(texts, ensure_ascii=False) for key, texts in found.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)
