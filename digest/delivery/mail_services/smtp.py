"""Django's SMTP backend, with two things more: it can say how far a conversation had come when
it broke, and to servers that take it so it sends the end of a message and the beginning of the
next in one packet (RFC 2920)."""

import re
import smtplib
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.message import sanitize_address

_DOT = re.compile(rb"\n\.")
_PLAIN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


class _Transmitting:
    """What one transaction adds to smtplib; mixed into its two classes of connections."""

    # Whether the text of a message has begun to go over the line: from there on, a lost
    # connection leaves us in doubt.
    data_begun = False
    # The sender and the recipient whose message the server has been told to expect next.
    announced: tuple[str, str] | None = None

    def mail(self, sender: str, options: Any = ()) -> tuple[int, bytes]:
        self.data_begun = False
        return super().mail(sender, options)  # type: ignore[misc,no-any-return]  # a mixin

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.data_begun = True
        return super().data(msg)  # type: ignore[misc,no-any-return]  # a mixin

    def transmit(self: Any, sender: str, recipient: str, content: bytes, following: str) -> None:
        """Hand over one message with CRLF line ends. Raises what ``sendmail`` raises.

        Where the server offers PIPELINING (RFC 2920) this waits for two answers instead of
        four, and for one where it announces the recipient `following`, if there is one: the
        next call must then be for them, or the connection be closed.
        """
        self.data_begun = False
        self.ehlo_or_helo_if_needed()
        if not self.has_extn("pipelining"):
            self.sendmail(sender, [recipient], content)
            return
        if self.announced is None:
            self.send(_envelope(sender, recipient))
        self.announced = None
        from_answer, to_answer, data_answer = [self.getreply() for _ in range(3)]
        is_refused = from_answer[0] != 250 or to_answer[0] not in {250, 251}
        if data_answer[0] == 354:
            self.data_begun = not is_refused
            # A server that wants the text of a message that nobody is to get is given none.
            text = b".\r\n" if is_refused else _ended(content)
            if following and not is_refused:
                text += _envelope(sender, following)
                self.announced = (sender, following)
            self.send(text)
            data_answer = self.getreply()
        if is_refused or data_answer[0] != 250:
            self._begin_anew(421 in {from_answer[0], to_answer[0], data_answer[0]})
        if from_answer[0] != 250:
            raise smtplib.SMTPSenderRefused(from_answer[0], from_answer[1], sender)
        if is_refused:
            raise smtplib.SMTPRecipientsRefused({recipient: to_answer})
        if data_answer[0] != 250:
            raise smtplib.SMTPDataError(*data_answer)

    def _begin_anew(self: Any, is_closing: bool) -> None:
        if is_closing:
            self.close()
        elif self.announced is None:
            # Else the next transaction has begun already, and this would end it.
            self._rset()


def _envelope(sender: str, recipient: str) -> bytes:
    return f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode("ascii")


def _ended(content: bytes) -> bytes:
    """The text as DATA wants it: a dot at the start of a line doubled, a dot alone at the end."""
    if content.startswith(b"."):
        content = b"." + content
    if _DOT.search(content):  # twice as fast as to replace nothing
        content = content.replace(b"\r\n.", b"\r\n..")
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


class _SMTP(_Transmitting, smtplib.SMTP):
    pass


class _SMTPOverTLS(_Transmitting, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    """A lost connection before the text is harmless and common (a server closes an idle one);
    after it, nobody knows. Django's backend tells the two apart no more than smtplib does.
    """

    # Who the message after the next one is for, where that is known to follow at once.
    following = ""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SMTPOverTLS if self.use_ssl else _SMTP

    @property
    def data_begun(self) -> bool:
        return bool(getattr(self.connection, "data_begun", False))

    def _send(self, email_message: EmailMessage) -> bool:
        """Send one message; anything but one recipient goes Django's way."""
        recipients = email_message.recipients()
        if len(recipients) != 1:
            return bool(super()._send(email_message))  # type: ignore[misc]  # not in its stubs
        message: Any = email_message.message()
        sender, recipient = _bare(email_message.from_email), _bare(recipients[0])
        self._expected(sender, recipient).transmit(
            sender,
            recipient,
            message.as_bytes(linesep="\r\n"),
            _bare(self.following) if self.following else "",
        )
        return True

    def _expected(self, sender: str, recipient: str) -> _Transmitting:
        """The connection; a new one if the server waits for the message of somebody else."""
        assert isinstance(self.connection, _Transmitting)
        if self.connection.announced not in {None, (sender, recipient)}:
            self.close()
            self.open()
        assert isinstance(self.connection, _Transmitting)
        return self.connection

    def close(self) -> None:
        """Close the connection; without a farewell while the server waits for a message, which
        it would take for the message's text."""
        if self.connection is not None and getattr(self.connection, "announced", None):
            self.connection.close()
            self.connection = None
        super().close()


def _bare(address: str) -> str:
    """The address alone, in ASCII, as the envelope wants it."""
    return address if _PLAIN.fullmatch(address) else _parsed(address)


@lru_cache(maxsize=16)
def _parsed(address: str) -> str:
    # An empty name asks Django's function for the address without one.
    sanitized = sanitize_address(address, settings.DEFAULT_CHARSET)
    return str(sanitized.rpartition("<")[2].rstrip(">"))
