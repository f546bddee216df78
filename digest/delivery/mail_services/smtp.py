"""Django's SMTP backend with some additions: it knows how far a conversation had come when it
broke, it can wait longer for the answer to a message than for any other, to servers that allow it
(RFC 2920) it sends the end of one message and the beginning of the next in one packet, it sends
what is not ASCII only to servers that take it (RFC 6152), and each digest and letter has a sender
of its own on the envelope, if their bounces come by mail (``mail.return_path``)."""

import email
import email.policy
import re
import smtplib
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.message import sanitize_address

from digest.mail import return_path

_DOT = re.compile(rb"\n\.")
_8BIT = "BODY=8BITMIME"
_ASCII = email.policy.SMTP.clone(cte_type="7bit")
# What an accepted recipient is answered.
_TAKEN = frozenset({250, 251})
_PLAIN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


class _Transmitting:
    """What one transaction adds to smtplib; mixed into its two classes of connections."""

    # Whether the text of a message has begun to go out. From then on, a lost connection leaves us
    # in doubt.
    data_begun = False
    # Whether the server took the sender. Until then it had heard nothing of the reader.
    sender_taken = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "local_hostname": _greeting(settings.MAIL_EHLO)})

    # The sender and the recipient whose message the server has been told to expect next.
    announced: tuple[str, str] | None = None
    # How many seconds to wait for the answer to a message; None: as long as for any other.
    answer_timeout: float | None = None

    def mail(self, sender: str, options: Any = ()) -> tuple[int, bytes]:
        self.data_begun = self.sender_taken = False
        answer: tuple[int, bytes] = super().mail(sender, options)  # type: ignore[misc]  # a mixin
        self.sender_taken = answer[0] == 250
        return answer

    def data(self: Any, msg: Any) -> tuple[int, bytes]:
        code, text = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, text)
        self.data_begun = True
        self.send(_ended(msg))
        answer: tuple[int, bytes] = self._answer_to_message()
        return answer

    def transmit(
        self: Any,
        sender: str,
        recipient: str,
        content: bytes,
        following: tuple[str, str] | None,
        *,
        has_dots: bool,
    ) -> None:
        """Hand over one message with CRLF line endings. Raises what ``sendmail`` raises.

        Where the server offers PIPELINING (RFC 2920) this waits for two answers instead of four,
        and for only one if it announces the sender and recipient `following`: then the next call
        must be for these, or the connection must be closed. Without `has_dots` it is certain that
        no line of the content starts with a dot.
        """
        self.data_begun = self.sender_taken = False
        self.ehlo_or_helo_if_needed()
        # Who was announced to come next was announced without options.
        is_8bit = not content.isascii() and self.has_extn("8bitmime") and not self.announced
        if not is_8bit and not content.isascii():
            content, has_dots = _in_ascii(content), True
        if not self.has_extn("pipelining"):
            self.sendmail(sender, [recipient], content, [_8BIT] if is_8bit else [])
            return
        if self.announced is None:
            self.send(_envelope(sender, recipient, _8BIT if is_8bit else ""))
        self.announced = None
        from_answer = self._reply_to_sender(sender)
        to_answer = self._reply_to_recipient(from_answer, sender, recipient)
        is_refused = from_answer[0] != 250 or to_answer[0] not in _TAKEN
        data_answer = self._reply_to_data(from_answer, sender, to_answer, recipient)
        if data_answer[0] == 354:
            self.data_begun = not is_refused
            # The server wants the text of a message that nobody is to get: send an empty one.
            text = b".\r\n" if is_refused else _ended(content, has_dots=has_dots)
            if following and not is_refused:
                text += _envelope(*following)
                self.announced = following
            self.send(text)
            data_answer = self._answer_to_message()
        if is_refused or data_answer[0] != 250:
            self._begin_anew(421 in {from_answer[0], to_answer[0], data_answer[0]})
        _raise_refusal(from_answer, sender, to_answer, recipient)
        if data_answer[0] != 250:
            raise smtplib.SMTPDataError(*data_answer)

    def _answer_to_message(self: Any) -> tuple[int, bytes]:
        """The answer to the dot that ends a message.

        Whoever gives up early cannot know whether the message was taken. So it may take as long as
        RFC 5321 §4.5.3.2.6 allows, while a server that is slow to say anything else is left.
        """
        if self.answer_timeout is not None:
            self.sock.settimeout(self.answer_timeout)
        answer: tuple[int, bytes] = self.getreply()  # or it raises, having closed the connection
        if self.answer_timeout is not None:
            self.sock.settimeout(self.timeout)
        return answer

    def _reply_to_sender(self: Any, sender: str) -> tuple[int, bytes]:
        """The answer to MAIL. A server that ends the connection there answers nothing else."""
        code, text = self.getreply()
        if code == 421:
            self.close()
            raise smtplib.SMTPSenderRefused(code, text, sender)
        self.sender_taken = code == 250
        return code, text

    def _reply_to_recipient(
        self: Any, from_answer: tuple[int, bytes], sender: str, recipient: str
    ) -> tuple[int, bytes]:
        """The answer to RCPT. A server may hang up after any refusal, and then that one counts."""
        try:
            code, text = self.getreply()
        except OSError:
            _raise_refusal(from_answer, sender, None, recipient)
            raise
        if code == 421:
            self.close()
            _raise_refusal(from_answer, sender, (code, text), recipient)
        return code, text

    def _reply_to_data(
        self: Any,
        from_answer: tuple[int, bytes],
        sender: str,
        to_answer: tuple[int, bytes],
        recipient: str,
    ) -> tuple[int, bytes]:
        try:
            answer: tuple[int, bytes] = self.getreply()
        except OSError:
            _raise_refusal(from_answer, sender, to_answer, recipient)
            raise
        return answer

    def _begin_anew(self: Any, is_closing: bool) -> None:
        if is_closing:
            self.close()
        elif self.announced is None:
            # With an announced recipient the next transaction has begun, and RSET would end it.
            self._rset()


def _raise_refusal(
    from_answer: tuple[int, bytes],
    sender: str,
    to_answer: tuple[int, bytes] | None,
    recipient: str,
) -> None:
    """Raise what smtplib would if the sender or the recipient was refused; the sender's counts."""
    if from_answer[0] != 250:
        raise smtplib.SMTPSenderRefused(*from_answer, sender)
    if to_answer is not None and to_answer[0] not in _TAKEN:
        raise smtplib.SMTPRecipientsRefused({recipient: to_answer})


def _envelope(sender: str, recipient: str, option: str = "") -> bytes:
    mail = f"MAIL FROM:<{sender}> {option}".rstrip()
    return f"{mail}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode("ascii")


def _in_ascii(content: bytes) -> bytes:
    """The same message, its 8-bit parts encoded as quoted-printable or base64."""
    return email.message_from_bytes(content, policy=_ASCII).as_bytes()


def _ended(content: bytes, *, has_dots: bool = True) -> bytes:
    """The text as DATA wants it: dots at the start of a line doubled, and a line with a dot at the
    end."""
    if has_dots and content.startswith(b"."):
        content = b"." + content
    if has_dots and _DOT.search(content):  # searching is twice as fast as replacing nothing
        content = content.replace(b"\r\n.", b"\r\n..")
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


class _SMTP(_Transmitting, smtplib.SMTP):
    pass


class _SMTPOverTLS(_Transmitting, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    """An SMTP connection that tells a harmless loss from a doubtful one.

    A connection lost before the message's text is common (servers close idle ones) and harmless;
    after it, nobody knows. Neither Django's backend nor smtplib tells the two apart.
    """

    # The message after the next one, if it follows at once. Only its envelope is looked at.
    following: EmailMessage | None = None
    # See `_Transmitting`.
    answer_timeout: float | None = None

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SMTPOverTLS if self.use_ssl else _SMTP

    @property
    def data_begun(self) -> bool:
        return bool(getattr(self.connection, "data_begun", False))

    @property
    def sender_taken(self) -> bool:
        return bool(getattr(self.connection, "sender_taken", False))

    def _send(self, email_message: EmailMessage) -> bool:
        """Send one message. One with several recipients goes through Django's own code."""
        recipients = email_message.recipients()
        if len(recipients) != 1:
            return bool(super()._send(email_message))  # type: ignore[misc]  # not in its stubs
        message: Any = email_message.message()
        sender, recipient = _addresses_of(email_message)
        connection = self._expected(sender, recipient)
        connection.answer_timeout = self.answer_timeout
        connection.transmit(
            sender,
            recipient,
            message.as_bytes(linesep="\r\n"),
            _addresses_of(self.following) if self.following else None,
            has_dots=not getattr(message, "has_no_leading_dots", False),
        )
        return True

    def _expected(self, sender: str, recipient: str) -> _Transmitting:
        """The connection, reopened if the server expects a message to somebody else."""
        assert isinstance(self.connection, _Transmitting)
        if self.connection.announced not in {None, (sender, recipient)}:
            self.close()
            self.open()
        assert isinstance(self.connection, _Transmitting)
        return self.connection

    def close(self) -> None:
        """Close the connection. While the server waits for a message, skip QUIT, which it would
        take for the message's text."""
        if self.connection is not None and getattr(self.connection, "announced", None):
            self.connection.close()
            self.connection = None
        super().close()


def _greeting(host: str) -> str:
    """How a host greets: by its name, or by an address literal (RFC 5321 §4.1.3)."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def _addresses_of(message: EmailMessage) -> tuple[str, str]:
    """The sender and the one recipient on the envelope."""
    (recipient,) = message.recipients()
    return _bare(return_path.sender_of(message, recipient)), _bare(recipient)


def _bare(address: str) -> str:
    """The bare address in ASCII, as the envelope needs it."""
    return address if _PLAIN.fullmatch(address) else _parsed(address)


@lru_cache(maxsize=16)
def _parsed(address: str) -> str:
    # Without a name Django's function returns the address in angle brackets.
    sanitized = sanitize_address(address, settings.DEFAULT_CHARSET)
    return str(sanitized.rpartition("<")[2].rstrip(">"))
