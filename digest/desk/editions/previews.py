"""A digest as one reader would get it from an edition, or as they got it: made by the code that
makes the mails.

Only the links are not the reader's: whoever sees a preview must not be able to follow them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.conf import settings

from digest.choosing import reasons, trial
from digest.choosing.composing import Composed, as_it_was, compose
from digest.delivery.chunks import message_for
from digest.delivery.conditions import WHY_NOT
from digest.delivery.recipients import COLUMNS, Recipient, from_row
from digest.mail.message import DigestMessage
from digest.models import Digest, Edition, Paper
from digest.papers import editions
from digest.papers.cards import title_of
from subscribers import addresses, links
from subscribers.database import fetch
from subscribers.models import Subscriber, Topic

from .candidates import Issue


@dataclass(frozen=True, slots=True)
class Chosen:
    """A paper of the digest: its title, the reason in words, and what raised its score, each part
    with its share in per cent."""

    title: str
    reason: str
    parts: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Preview:
    """A digest as it would be sent, or as it was at `sent_at`.

    Without papers there is no message but a `skip_reason`. `why_not` says why this reader must not
    be written to at present, whatever is composed. `size` is that of the whole message in bytes,
    `html_size` that of its HTML.
    """

    reader: Subscriber
    sent_at: datetime | None
    skip_reason: str
    why_not: str
    papers: Sequence[Chosen] = ()
    subject: str = ""
    headers: Sequence[tuple[str, str]] = ()
    html: str = ""
    text: str = ""
    size: int = 0
    html_size: int = 0


def find_reader(words: str) -> Subscriber | None:
    """Return the reader with this address, or this number."""
    words = words.strip()
    if is_number(words):
        return Subscriber.objects.filter(pk=int(words)).first()
    try:
        address_hash = addresses.hashed(words)
    except addresses.InvalidAddress:
        return None
    return Subscriber.objects.filter(address_hash=address_hash).first()


def is_number(words: str) -> bool:
    """Whether these may be the number of a reader, which the database can hold."""
    return words.isascii() and words.isdigit() and len(words) < 19


def preview(reader: Subscriber, issue: Issue, now: datetime, *, shows_address: bool) -> Preview:
    """Return the reader's digest of this edition. Changes nothing.

    If they have had one, it is made again as it was. An edition that has not closed is taken as if
    it closed now. The address is masked unless `shows_address`.
    """
    with _closed(issue, now) as edition:
        if edition is None:
            return Preview(reader, None, Digest.SkipReason.NO_EDITION, _why_not(reader, issue))
        had = Digest.objects.filter(subscriber=reader, edition=edition).exclude(paper_ids=[])
        digest = had.order_by("-local_date").first()
        recipient = recipient_of(reader)
        selection = _compose(recipient, edition, digest)
        if selection.skip_reason:
            return Preview(reader, None, selection.skip_reason, _why_not(reader, issue))
        at = (digest and digest.handed_over_at) or now
        uuid = digest.uuid if digest else uuid4()
        message = message_for(recipient, selection, uuid=uuid, now=at)
        message.to = [reader.email]
        hidden = _Hidden(recipient, message, at, "" if shows_address else reader.masked_email)
        return _shown(reader, issue, selection, message, hidden, digest)


@contextmanager
def _closed(issue: Issue, now: datetime) -> Iterator[Edition | None]:
    if issue.is_closed:
        yield issue.edition
        return
    with editions.as_if_closed(issue.day, now=now) as edition:
        yield edition


def recipient_of(reader: Subscriber) -> Recipient:
    """The reader as delivery knows them."""
    (row,) = fetch(f"SELECT {COLUMNS} FROM subscribers_subscriber s WHERE s.id = %s", [reader.pk])
    return from_row(row)


def _compose(recipient: Recipient, edition: Edition, digest: Digest | None) -> Composed:
    """Compose as a run does. What has been sent is taken from its row instead."""
    request = recipient.request(digest.pk if digest else 0, edition.pk)
    if digest:
        return as_it_was(
            request,
            revision=digest.revision,
            paper_ids=digest.paper_ids,
            reasons=digest.reasons,
            contributions=digest.contributions,
        )
    (selection,) = compose(
        [request],
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=settings.DIGEST_LEAST_PAPERS,
        challenger=trial.challenger_of(settings.RANKING_TRIAL),
    )
    return selection


class _Hidden:
    """What nobody may see in a preview: the reader's own tokens, which become as many letters, so
    that no link works; and the address, if it is shown as `masked`."""

    def __init__(
        self, recipient: Recipient, message: DigestMessage, at: datetime, masked: str
    ) -> None:
        pk = recipient.subscriber_id or 0
        own = links.monthly(pk, at, recipient.links_generation)
        # With tracked clicks, links to papers have the digest's id.
        uuid = str(message.metadata["digest"]).replace("-", "")
        self._secrets = (*own, links.unsubscribe_token(pk, recipient.links_generation), uuid)
        self._address, self._masked = recipient.address, masked

    def without(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "x" * len(secret))
        return text.replace(self._address, self._masked) if self._masked else text


def _shown(
    reader: Subscriber,
    issue: Issue,
    selection: Composed,
    message: DigestMessage,
    hidden: _Hidden,
    digest: Digest | None,
) -> Preview:
    raw = message.message()
    html = str(message.alternatives[0].content)
    headers = [(name, hidden.without(str(value))) for name, value in raw.items()]
    return Preview(
        reader,
        digest.handed_over_at if digest else None,
        "",
        _why_not(reader, issue),
        _chosen(selection),
        message.subject,
        headers,
        hidden.without(html),
        hidden.without(message.body),
        len(raw.as_bytes()),
        len(html.encode()),
    )


def _chosen(selection: Composed) -> list[Chosen]:
    papers, names = Paper.objects.in_bulk(selection.paper_ids), Topic.labels()
    return [
        Chosen(
            title_of(papers[pk]),
            reasons.words(code, names),
            reasons.contributions_in_words(selection.contributions, place),
        )
        for place, (pk, code) in enumerate(zip(selection.paper_ids, selection.reasons, strict=True))
    ]


def _why_not(reader: Subscriber, issue: Issue) -> str:
    """Why the reader must not be written to on the edition's day, as a digest's row would say."""
    ((why_not,),) = fetch(
        f"""
        SELECT {WHY_NOT} FROM subscribers_subscriber s,
            (SELECT %(day)s::date AS local_date, now() AS due_at) d
        WHERE s.id = %(reader)s
        """,
        {
            "day": issue.day,
            "reader": reader.pk,
            "late": settings.DELIVERY_LATE,
            "only_to": settings.MAIL_ONLY_TO,
        },
    )
    return why_not or ""
