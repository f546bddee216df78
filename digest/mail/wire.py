"""Prepared bytes: parts of a message encoded for the wire before the message is put together.

A mail's bodies are quoted-printable (RFC 2045 §6.7). A *fragment* is a piece of such a body
that may be followed by any other: it ends with a line break, hard or soft, so that the lines
of what follows keep their length whatever stands before them.
"""

import re
from binascii import a2b_qp, b2a_qp
from email import message_from_bytes
from email.header import Header
from email.message import Message
from typing import Any

# A line may be 76 long; a fragment's last one leaves room for the "=" of a soft break.
_LONGEST_LAST_LINE = 75
_LAST_OCTET = re.compile(rb"(=[0-9A-F]{2}|.)\Z", re.DOTALL)


def fragment(text: str) -> bytes:
    """`text` as a quoted-printable fragment, its lines ended by CRLF."""
    if not text:
        return b""
    # In text mode b2a_qp keeps line breaks; it makes soft breaks of the kind it finds first.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    encoded = b2a_qp(lines, istext=True)
    if len(encoded) - encoded.rfind(b"\n") > _LONGEST_LAST_LINE + 1:
        encoded = _LAST_OCTET.sub(rb"=\n\1", encoded)
    if not encoded.endswith(b"\n"):
        encoded += b"=\n"
    return encoded.replace(b"\n", b"\r\n")


def decoded(fragments: bytes) -> str:
    """The text that fragments in a row stand for."""
    return a2b_qp(fragments).decode().replace("\r\n", "\n")


def token_fragment(token: str) -> bytes:
    """A word of letters, digits, "-" and "_" as a fragment: nothing of it is ever escaped."""
    return token.encode() + b"=\r\n"


def header(name: str, value: str) -> bytes:
    """One header line (or more, folded) with its CRLF; not for addresses and other structures.

    A value that is not ASCII becomes encoded words (RFC 2047). Raises ValueError for a line
    break in the value, which would begin another header.
    """
    # Printable: no control character, so no line break either. By far the most are.
    if value.isascii() and value.isprintable() and len(name) + len(value) < 900:
        return f"{name}: {value}\r\n".encode()
    if "\n" in value or "\r" in value:
        raise ValueError(f"A line break in {name}.")
    # Python lets an encoded word be one character longer than RFC 2047 §2 does.
    encoded = Header(value, "utf-8", 75, header_name=name).encode(linesep="\r\n")
    return f"{name}: {encoded}\r\n".encode()


class PreparedMessage(Message):
    """A message that is ready as bytes, and is parsed only if somebody looks inside.

    What a mail backend does with any other `Message` works: it may read and change headers
    (anymail's Amazon SES backend does), and `as_bytes` answers with the change.
    """

    def __init__(self, raw: bytes) -> None:
        # Not super().__init__: without its attributes, __getattr__ sees the first look inside.
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        if "_headers" in self.__dict__:
            raise AttributeError(name)
        self.__dict__.update(message_from_bytes(self._raw).__dict__)
        return getattr(self, name)

    def as_bytes(self, unixfrom: bool = False, policy: Any = None, linesep: str = "\r\n") -> bytes:
        """The prepared bytes, with CRLF line ends; `linesep` is Django's and may be "\\n"."""
        if "_headers" not in self.__dict__:
            raw = self._raw
        else:
            raw = super().as_bytes(unixfrom, policy)
            raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return raw if linesep == "\r\n" else raw.replace(b"\r\n", b"\n")
