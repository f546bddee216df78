"""A digest as it is after it was sent, for the tests of the pages behind its links."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from digest.choosing.candidates import Window
from digest.mail.message import DigestMessage
from digest.mail.shared import shared_parts
from digest.models import Digest, Paper
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


def mail_of(digest: Digest, **more: Any) -> DigestMessage:
    """The mail that the digest was sent as; `more` is for `DigestMessage`."""
    assert digest.subscriber_id is not None
    window = Window(digest.edition_id, digest.edition.date - timedelta(days=1))
    message = DigestMessage(
        shared_parts(window, more.pop("language", "en")),
        uuid=digest.uuid,
        subscriber_id=digest.subscriber_id,
        paper_ids=digest.paper_ids,
        reason_codes=digest.reasons,
        now=timezone.now(),
        **more,
    )
    message.to = ["reader@dest.example"]
    return message


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
    return f"/d/{token}/{digest.edition.date:%Y-%m-%d}"


def click_path(digest: Digest, place: int = 0) -> str:
    return f"/k/{digest.uuid.hex}/{digest.paper_ids[place]}"
