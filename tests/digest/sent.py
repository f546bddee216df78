"""A digest as it is after it was sent, for the tests of the pages behind its links."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from digest.choosing.candidates import Window
from digest.choosing.composing import Composed
from digest.mail.message import DigestMessage
from digest.mail.rendering import render
from digest.mail.shared import shared_parts
from digest.models import Digest, Edition, Paper
from subscribers import links
from subscribers.models import Subscriber, Topic
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic


def sent_digest(
    papers: Sequence[Paper] | None = None,
    *,
    topic: Topic | None = None,
    reader: Subscriber | None = None,
    **fields: Any,
) -> Digest:
    """Papers on one topic, sent to a reader who follows it and whose links work."""
    topic = topic or make_topic()
    papers = papers or [make_paper() for _ in range(3)]
    reader = reader or make_reader(topic)
    links.ensure([reader], timezone.now())
    usual = {
        "state": Digest.State.SENT,
        "paper_ids": [paper.pk for paper in papers],
        "reasons": [f"topic:{topic.pk}"] * len(papers),
        "handed_over_at": timezone.now(),
    }
    return make_digest(make_edition(papers, fits={topic.pk: 0.9}), reader, **{**usual, **fields})


def edition_of(digest: Digest) -> Edition:
    """The edition of a digest that has been composed."""
    assert digest.edition is not None
    return digest.edition


def mail_of(
    digest: Digest, *, language: str = "en", is_first: bool = False, is_weekly: bool = False
) -> DigestMessage:
    """The mail that the digest was sent as."""
    assert digest.subscriber_id is not None
    edition = edition_of(digest)
    window = Window(edition.pk, edition.date - timedelta(days=1))
    selection = selection_of(window, digest.paper_ids, digest.reasons, is_first=is_first)
    message = render(
        shared_parts(window, language),
        selection,
        uuid=digest.uuid,
        subscriber_id=digest.subscriber_id,
        now=timezone.now(),
        is_weekly=is_weekly,
    )
    message.to = ["reader@dest.example"]
    return message


def selection_of(
    window: Window, paper_ids: Sequence[int], reasons: Sequence[str], *, is_first: bool = False
) -> Composed:
    """A selection as composing returns it, of these papers."""
    return Composed(
        digest_id=1,
        window=window,
        paper_ids=tuple(paper_ids),
        reasons=tuple(reasons),
        contributions=(),
        skip_reason="",
        is_first=is_first,
    )


def html_part(message: DigestMessage) -> str:
    """The HTML as a mail service with an API of its own takes it."""
    return str(message.alternatives[0].content)


def vote_path(digest: Digest, place: int = 0) -> str:
    """The path of the page for the digest's paper in this place."""
    assert digest.subscriber_id is not None
    token = links.monthly(digest.subscriber_id, timezone.now()).vote
    return f"/v/{token}/{digest.paper_ids[place]}"


def read_path(digest: Digest) -> str:
    assert digest.subscriber_id is not None
    token = links.monthly(digest.subscriber_id, timezone.now()).read
    return f"/d/{token}/{edition_of(digest).date:%Y-%m-%d}"


def click_path(digest: Digest, place: int = 0) -> str:
    return f"/k/{digest.uuid.hex}/{digest.paper_ids[place]}"
