"""The result of rendering: a Django message whose bytes are ready."""

from collections.abc import Mapping
from email.utils import formatdate
from functools import cached_property, lru_cache
from time import time
from typing import Any
from uuid import UUID

from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import EmailAlternative

from subscribers import links
from subscribers.models import Link

from .templates import Fragments
from .wire import PreparedMessage, decoded, header

# "=_" never occurs in quoted-printable text (RFC 2045 §6.7), so neither does the boundary.
_BOUNDARY = "=_broadsheet"


class DigestMessage(AnymailMessage):  # type: ignore[misc]  # anymail has no types
    """One reader's digest.

    `message()` returns ready bytes, for backends that speak SMTP or take raw MIME. `body` and
    `alternatives` are the same texts as strings, for mail services with an API of their own;
    they are decoded only when they are read.
    """

    def __init__(
        self,
        *,
        uuid: UUID,
        subject: str,
        unsubscribe_token: str,
        headers: Mapping[str, str],
        body: Fragments,
    ) -> None:
        """`headers` are those that all readers share."""
        self._encoded = body
        super().__init__(
            subject=subject,
            from_email=settings.DEFAULT_FROM_EMAIL,
            reply_to=[settings.MAIL_REPLY_TO] if settings.MAIL_REPLY_TO else None,
            headers={
                "Message-ID": _message_id(uuid),
                "List-Unsubscribe": _list_unsubscribe(unsubscribe_token),
                **headers,
            },
            # For mail services that support them: their events bring the id back.
            metadata={"digest": str(uuid)},
            tags=["digest"],
        )

    @property
    def body(self) -> str:
        """The plain text."""
        return self._text

    @body.setter
    def body(self, value: Any) -> None:
        """Ignores the value that Django's constructor sets."""

    @property
    def alternatives(self) -> list[EmailAlternative]:
        """The HTML."""
        return [EmailAlternative(self._html, "text/html")]

    @alternatives.setter
    def alternatives(self, value: Any) -> None:
        """Ignores the value that Django's constructor sets."""

    def message(self) -> PreparedMessage:
        """Returns the whole message as bytes, for the recipient that `to` holds now."""
        return PreparedMessage(
            b"".join(
                (
                    _shared_headers(self.from_email, tuple(self.reply_to)),
                    header("To", self.to[0]),
                    _shared_header("Subject", self.subject),
                    _date(int(time())),
                    *[
                        header(name, value) if name in _OWN else _shared_header(name, value)
                        for name, value in self.extra_headers.items()
                    ],
                    _TEXT_PART,
                    self._encoded.text,
                    _HTML_PART,
                    self._encoded.html,
                    _END,
                )
            )
        )

    @cached_property
    def _text(self) -> str:
        return decoded(self._encoded.text)

    @cached_property
    def _html(self) -> str:
        return decoded(self._encoded.html)


def _message_id(uuid: UUID) -> str:
    """Returns the digest's Message-ID: the same at each attempt, without a host's name."""
    return f"<d.{uuid.hex}@{settings.MAIL_DOMAIN}>"


def _list_unsubscribe(token: str) -> str:
    """Returns the ways to unsubscribe: on the web and, if configured, by mail (RFC 2369, 8058)."""
    ways = f"<{links.url(Link.Purpose.UNSUBSCRIBE, token)}>"
    if address := links.unsubscribe_address(token):
        ways += f", <mailto:{address}>"
    return ways


@lru_cache(maxsize=16)
def _shared_headers(from_email: str, reply_to: tuple[str, ...]) -> bytes:
    """Returns the structured headers, encoded by Django's own rules for addresses."""
    built = AnymailMessage(from_email=from_email, reply_to=list(reply_to)).message()
    shared = [("From", built["From"])]
    if reply_to:
        shared.append(("Reply-To", built["Reply-To"]))
    shared += [
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{_BOUNDARY}"'),
    ]
    return b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in shared)


# Many readers share a subject: the title of their first paper.
_shared_header = lru_cache(maxsize=4096)(header)


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return header("Date", formatdate(second))


def _part(kind: str) -> bytes:
    return (
        f'\r\n--{_BOUNDARY}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")


# The headers that no two mails share, besides `To`.
_OWN = {"Message-ID", "List-Unsubscribe"}
_TEXT_PART, _HTML_PART = _part("plain"), _part("html")
_END = f"\r\n--{_BOUNDARY}--\r\n".encode("ascii")
