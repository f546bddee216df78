"""From a selection to a message: the press's forms filled for one reader."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import formatdate
from functools import cached_property, lru_cache
from itertools import accumulate, takewhile
from time import time
from typing import Any
from uuid import UUID

from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import EmailAlternative
from django.utils.translation import ngettext, override

from digest.choosing import reasons
from digest.papers.excerpts import shorten
from subscribers import links
from subscribers.models import Link

from .shared import CLICK_MARK, EncodedCard, Fragments, SharedParts, fragments_of
from .wire import PreparedMessage, decoded, fragment, header, token_fragment

SUBJECT_LENGTH = 60
# "=_" stands in no quoted-printable text (RFC 2045 §6.7), so neither does the boundary.
_BOUNDARY = "=_broadsheet"
_BETWEEN_TEASERS = fragment(" · ")
_NOTHING = Fragments(html=b"", text=b"")
# The first paper's title is the subject.
_TEASERS = slice(1, 3)


class DigestMessage(AnymailMessage):  # type: ignore[misc]  # anymail has no types
    """One reader's digest: a Django message whose bytes are ready.

    `message()` answers with prepared bytes, for backends that speak SMTP or take raw MIME.
    `body` and `alternatives` are the same texts as strings, for mail services with an API of
    their own; they are made only when they are read.
    """

    def __init__(
        self,
        press: SharedParts,
        *,
        uuid: UUID,
        subscriber_id: int,
        paper_ids: Sequence[int],
        reason_codes: Sequence[str],
        now: datetime,
        is_weekly: bool = False,
        is_first: bool = False,
    ) -> None:
        """`paper_ids` and `reason_codes` are parallel, best first, and all in the press.

        The last of them are left to the web where the mail would grow too long. A weekly
        digest has them under their topics; the reader's first one bids welcome. The
        recipient, `to`, is set when the digest is handed over. The same arguments give the
        same message; `now` matters only for its month, in the links.
        """
        self._press = press
        self._uuid = uuid
        self._tokens = links.monthly(subscriber_id, now)
        self._unsubscribe = links.unsubscribe_token(subscriber_id)
        chosen = list(zip(paper_ids, reason_codes, strict=True))
        self._teasers = [press.cards[paper_id].teaser for paper_id, _ in chosen[_TEASERS]]
        if is_first:
            self._teasers.insert(0, press.welcome)
        self._intro = press.intro(len(chosen), is_first=is_first, is_weekly=is_weekly)
        cards = [press.encoded_card(*choice) for choice in chosen]
        self._left = len(cards) - _number_that_fits(cards, press.room)
        if self._left:
            chosen, cards = chosen[: -self._left], cards[: -self._left]
        self._headings: dict[int, Fragments] = {}
        if is_weekly:
            chosen, self._headings = _by_topic(chosen, press)
            cards = [press.encoded_card(*choice) for choice in chosen]
        self._chosen = chosen
        super().__init__(
            subject=shorten(press.cards[paper_ids[0]].title, SUBJECT_LENGTH),
            from_email=settings.DEFAULT_FROM_EMAIL,
            reply_to=[settings.MAIL_REPLY_TO] if settings.MAIL_REPLY_TO else None,
            headers=_headers(press, uuid, self._unsubscribe),
            # For services that have them; the service's events bring the id back.
            metadata={"digest": str(uuid)},
            tags=["digest"],
        )
        self._encoded = self._encode(cards)

    @property
    def body(self) -> str:
        """The plain text."""
        return self._text

    @body.setter
    def body(self, value: Any) -> None:
        """Django's constructor sets it; ours is made of the press."""

    @property
    def alternatives(self) -> list[EmailAlternative]:
        """The HTML."""
        return [EmailAlternative(self._html, "text/html")]

    @alternatives.setter
    def alternatives(self, value: Any) -> None:
        """Django's constructor sets it; ours is made of the press."""

    def message(self) -> PreparedMessage:
        """The whole message as prepared bytes, with the recipient that `to` holds now."""
        return PreparedMessage(
            b"".join(
                (
                    _shared_headers(self.from_email, tuple(self.reply_to)),
                    header("To", self.to[0]),
                    _subject(self.subject),
                    _date(int(time())),
                    *(header(name, value) for name, value in self.extra_headers.items()),
                    *self._encoded,
                )
            )
        )

    def _encode(self, cards: Sequence[EncodedCard]) -> tuple[bytes, ...]:
        """Both parts of the body for the wire."""
        vote = token_fragment(self._tokens.vote)
        html_cards = [vote.join(card.html) for card in cards]
        text_cards = [vote.join(card.text) for card in cards]
        for place, heading in self._headings.items():
            html_cards[place] = heading.html + html_cards[place]
            text_cards[place] = heading.text + text_cards[place]
        all_cards = Fragments(html=b"".join(html_cards), text=b"".join(text_cards))
        if self._press.tracks_clicks:
            all_cards = self._with_clicks(all_cards)
        more = self._more if self._left else _NOTHING
        tokens = {
            "unsubscribe": token_fragment(self._unsubscribe),
            "preferences": token_fragment(self._tokens.preferences),
            "read": token_fragment(self._tokens.read),
        }
        text = {**tokens, "intro": self._intro.text, "cards": all_cards.text, "more": more.text}
        html = {
            **tokens,
            "preheader": _BETWEEN_TEASERS.join([teaser.html for teaser in self._teasers]),
            "intro": self._intro.html,
            "cards": all_cards.html,
            "more": more.html,
        }
        shell = self._press.shell
        return (_TEXT_PART, shell.text.fill(text), _HTML_PART, shell.html.fill(html), _END)

    def _with_clicks(self, cards: Fragments) -> Fragments:
        """The cards with links that lead through us, by the digest's id."""
        key = token_fragment(self._uuid.hex)
        return Fragments(
            html=cards.html.replace(CLICK_MARK, key), text=cards.text.replace(CLICK_MARK, key)
        )

    @property
    def _more(self) -> Fragments:
        """That there are more papers on the web than fit into the mail."""
        with override(self._press.language):
            said = ngettext("%(number)d more on the web", "%(number)d more on the web", self._left)
        read = token_fragment(self._tokens.read)
        words = fragments_of(said % {"number": self._left})
        return self._press.more.fill({"words": words, "read": Fragments(html=read, text=read)})

    @cached_property
    def _text(self) -> str:
        return decoded(self._encoded[1])

    @cached_property
    def _html(self) -> str:
        return decoded(self._encoded[3])


def _number_that_fits(cards: Sequence[EncodedCard], room: int) -> int:
    """How many of the cards, from the first on, fit into so many bytes; one does in any case."""
    sizes = [card.size for card in cards]
    if sum(sizes) <= room:
        return len(sizes)
    return max(1, len(list(takewhile(lambda total: total <= room, accumulate(sizes)))))


def _by_topic(
    chosen: Iterable[tuple[int, str]], press: SharedParts
) -> tuple[list[tuple[int, str]], dict[int, Fragments]]:
    """The choices topic by topic, that of the best one first, and the headings by place.

    A paper's topic is the one that is the reason for it, else the one that it fits best.
    """
    topics: dict[int | None, list[tuple[int, str]]] = {}
    for paper_id, code in chosen:
        topic_id = reasons.topic_of(code) or press.cards[paper_id].topic_id
        topics.setdefault(topic_id, []).append((paper_id, code))
    # What has no topic closes the digest.
    topics[None] = topics.pop(None, [])
    ordered: list[tuple[int, str]] = []
    headings = {}
    for topic_id, choices in topics.items():
        if choices:
            headings[len(ordered)] = press.heading_of(topic_id)
            ordered += choices
    return ordered, headings


def message_id(uuid: UUID) -> str:
    """The digest's Message-ID: the same at each attempt, and with no host's name in it."""
    return f"<d.{uuid.hex}@{settings.MAIL_DOMAIN}>"


def _headers(press: SharedParts, uuid: UUID, unsubscribe: str) -> dict[str, str]:
    """The press's headers and the reader's own: the name of the mail and the ways out (RFC 2369,
    8058)."""
    ways_out = f"<{links.url(Link.Purpose.UNSUBSCRIBE, unsubscribe)}>"
    if address := links.address(unsubscribe):
        ways_out += f", <mailto:{address}>"
    return {"Message-ID": message_id(uuid), "List-Unsubscribe": ways_out, **press.headers}


@lru_cache(maxsize=16)
def _shared_headers(from_email: str, reply_to: tuple[str, ...]) -> bytes:
    """The headers that are structures, built by Django's own rules for addresses."""
    built = AnymailMessage(from_email=from_email, reply_to=list(reply_to)).message()
    shared = [("From", built["From"])]
    if reply_to:
        shared.append(("Reply-To", built["Reply-To"]))
    shared += [
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{_BOUNDARY}"'),
    ]
    return b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in shared)


@lru_cache(maxsize=4096)
def _subject(subject: str) -> bytes:
    """Few subjects serve many readers: each is the title of some reader's first paper."""
    return header("Subject", subject)


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return header("Date", formatdate(second))


def _part(kind: str) -> bytes:
    return (
        f'\r\n--{_BOUNDARY}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")


_TEXT_PART, _HTML_PART = _part("plain"), _part("html")
_END = f"\r\n--{_BOUNDARY}--\r\n".encode("ascii")
