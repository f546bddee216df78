"""From a selection to a message: the press's forms filled for one reader."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import formatdate
from functools import cached_property, lru_cache
from html import escape
from typing import Any
from uuid import UUID

from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import EmailAlternative

from subscribers import links

from . import reasons
from .cards import shorten
from .press import TEMPLATE_VERSION, Press
from .wire import PreparedMessage, fragment, header

SUBJECT_LENGTH = 60
# "=_" stands in no quoted-printable text (RFC 2045 §6.7), so neither does the boundary.
_BOUNDARY = "=_broadsheet"


class DigestMessage(AnymailMessage):  # type: ignore[misc]  # anymail has no types
    """One reader's digest: a Django message whose bytes are ready.

    `message()` answers with prepared bytes, for backends that speak SMTP or take raw MIME.
    `body` and `alternatives` are the same texts as strings, for mail services with an API of
    their own; they are made only when they are read.
    """

    def __init__(
        self,
        press: Press,
        *,
        uuid: UUID,
        subscriber_id: int,
        paper_ids: Sequence[int],
        reason_codes: Sequence[str],
        now: datetime,
    ) -> None:
        """`paper_ids` and `reason_codes` are parallel, best first, and all in the press.

        The recipient, `to`, is set when the digest is handed over. The same arguments give
        the same message; `now` matters only for its month, in the preferences link.
        """
        self._press = press
        self._chosen = list(zip(paper_ids, reason_codes, strict=True))
        titles = [press.cards[paper_id].title for paper_id in paper_ids]
        self._personal = {
            "preheader": shorten("; ".join(titles[1:4]), 90),
            "intro": _intro(len(titles), len(press.cards)),
            "unsubscribe_url": links.unsubscribe_url(subscriber_id),
            "preferences_url": links.preferences_url(subscriber_id, now),
        }
        super().__init__(
            subject=shorten(titles[0], SUBJECT_LENGTH),
            from_email=settings.DEFAULT_FROM_EMAIL,
            reply_to=[settings.MAIL_REPLY_TO] if settings.MAIL_REPLY_TO else None,
            headers=_headers(press, uuid, self._personal["unsubscribe_url"], subscriber_id),
            # For services that have them; the service's events bring the id back.
            metadata={"digest": str(uuid)},
            tags=["digest"],
        )
        self._encoded = self._encode()

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
                    header("Date", formatdate()),
                    *(header(name, value) for name, value in self.extra_headers.items()),
                    *self._encoded,
                )
            )
        )

    def _encode(self) -> tuple[bytes, ...]:
        """Both parts of the body for the wire."""
        cards = [self._press.encoded_card(*chosen) for chosen in self._chosen]
        text = {name: fragment(value) for name, value in self._personal.items()}
        text["cards"] = b"".join([card.text for card in cards])
        html = {name: fragment(escape(value)) for name, value in self._personal.items()}
        html["cards"] = b"".join([card.html for card in cards])
        return (
            _TEXT_PART,
            self._press.text.fill_encoded(text),
            _HTML_PART,
            self._press.html.fill_encoded(html),
            _END,
        )

    @cached_property
    def _text(self) -> str:
        cards = [self._press.cards[paper_id].text for paper_id, _ in self._chosen]
        filled = [
            card.fill({"reason": reason}) for card, reason in zip(cards, self._why, strict=True)
        ]
        return self._press.text.fill({**self._personal, "cards": "".join(filled)})

    @cached_property
    def _html(self) -> str:
        cards = [self._press.cards[paper_id].html for paper_id, _ in self._chosen]
        filled = [
            card.fill({"reason": escape(reason)})
            for card, reason in zip(cards, self._why, strict=True)
        ]
        escaped = {name: escape(value) for name, value in self._personal.items()}
        return self._press.html.fill({**escaped, "cards": "".join(filled)})

    @property
    def _why(self) -> list[str]:
        return [reasons.words(code, self._press.topic_names) for _, code in self._chosen]


def message_id(uuid: UUID) -> str:
    """The digest's Message-ID: the same at each attempt, and with no host's name in it."""
    return f"<d.{uuid.hex}@{settings.MAIL_DOMAIN}>"


def _headers(press: Press, uuid: UUID, unsubscribe_url: str, subscriber_id: int) -> dict[str, str]:
    """What a mailbox provider wants to see on a mail to many (RFC 2369, 2919, 3834, 8058)."""
    ways_out = [f"<{unsubscribe_url}>"]
    if address := links.unsubscribe_address(subscriber_id):
        ways_out.append(f"<mailto:{address}>")
    return {
        "Message-ID": message_id(uuid),
        "List-ID": f"{settings.SITE_NAME} <daily.{settings.MAIL_DOMAIN}>",
        "List-Unsubscribe": ", ".join(ways_out),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": f"{press.edition_date:%Y%m%d}:{TEMPLATE_VERSION}:digest:broadsheet",
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": "en",
    }


def _intro(chosen: int, total: int) -> str:
    papers = "paper" if chosen == 1 else "papers"
    return f"{chosen} {papers} chosen for you from {total} in this edition"


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


def _part(kind: str) -> bytes:
    return (
        f'\r\n--{_BOUNDARY}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")


_TEXT_PART, _HTML_PART = _part("plain"), _part("html")
_END = f"\r\n--{_BOUNDARY}--\r\n".encode("ascii")
