"""Parts of a message, encoded for the wire before the message is put together.

The bodies are quoted-printable (RFC 2045 §6.7). A *fragment* is a piece of such a body that any
other fragment may follow: it ends with a line break, hard or soft, so that the next fragment
always starts on a new line and keeps its line lengths. No line of it starts with a dot, so SMTP
need not look for such lines, which it would have to change (RFC 5321 §4.5.2).
"""

import re
from binascii import a2b_qp, b2a_qp
from email import message_from_bytes
from email.header import Header
from email.message import Message
from typing import Any

# A line may have 76 characters. The last one of a fragment leaves space for the "=" of a soft
# break.
_LONGEST_LAST_LINE = 75
_LEADING_DOT = re.compile(rb"(\A|\n)\.")
_LAST_OCTET = re.compile(rb"(=[0-9A-F]{2}|.)\Z", re.DOTALL)


def fragment(text: str) -> bytes:
    """Returns `text` as a quoted-printable fragment with CRLF line ends."""
    if not text:
        return b""
    # In text mode b2a_qp keeps line breaks, and makes soft breaks like the first one it finds.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    encoded = b2a_qp(lines, istext=True)
    if len(encoded) - encoded.rfind(b"\n") > _LONGEST_LAST_LINE + 1:
        encoded = _LAST_OCTET.sub(rb"=\n\1", encoded)
    while _LEADING_DOT.search(encoded):
        encoded = _LEADING_DOT.sub(rb"\1=2E=\n", encoded)
    if not encoded.endswith(b"\n"):
        encoded += b"=\n"
    return encoded.replace(b"\n", b"\r\n")


def token_fragment(token: str) -> bytes:
    """Returns a short token of letters, digits, "-" and "_" as a fragment.

    Faster than `fragment`, because none of these characters is ever escaped.
    """
    return token.encode() + b"=\r\n"


# As long as any token. It takes the place of the real ones when sizes are measured.
ANY_TOKEN = token_fragment("x" * 32)


def decoded(fragments: bytes) -> str:
    """Returns the text of one or more fragments, with LF line ends."""
    return a2b_qp(fragments).decode().replace("\r\n", "\n")


def decoded_size(fragments: bytes) -> int:
    """Returns the number of bytes of the text in UTF-8, with LF line ends."""
    return len(decoded(fragments).encode())


def header(name: str, value: str) -> bytes:
    """Returns one header, folded if necessary, with its CRLF.

    Not for structured headers such as addresses. A value that is not ASCII becomes encoded words
    (RFC 2047). Raises ValueError for a line break in the value, which would start another header.
    """
    # The usual case. A printable value has no control characters, so no line breaks either.
    if value.isascii() and value.isprintable() and len(name) + len(value) < 900:
        return f"{name}: {value}\r\n".encode()
    if "\n" in value or "\r" in value:
        raise ValueError(f"The value of {name} contains a line break.")
    # Python allows encoded words to be one character longer than RFC 2047 §2 does.
    encoded = Header(value, "utf-8", 75, header_name=name).encode(linesep="\r\n")
    return f"{name}: {encoded}\r\n".encode()


class PreparedMessage(Message):
    """A message whose bytes are ready. It is parsed only when something looks inside.

    Mail backends can treat it like any other `Message`. They may read and change headers (anymail's
    Amazon SES backend does), and `as_bytes` then includes the change.
    """

    def __init__(self, raw: bytes) -> None:
        # No super().__init__(): while its attributes are missing, the first access to one of
        # them reaches __getattr__, which then parses the bytes.
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        if "_headers" in self.__dict__:
            raise AttributeError(name)
        self.__dict__.update(message_from_bytes(self._raw).__dict__)
        return getattr(self, name)

    @property
    def has_no_leading_dots(self) -> bool:
        """Whether it is certain that no line of `as_bytes` starts with a dot."""
        return "_headers" not in self.__dict__

    def as_bytes(self, unixfrom: bool = False, policy: Any = None, linesep: str = "\r\n") -> bytes:
        """Returns the bytes with CRLF line ends, or with LF for `linesep="\\n"` (Django's)."""
        if "_headers" not in self.__dict__:
            raw = self._raw
        else:
            raw = super().as_bytes(unixfrom, policy)
            raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return raw if linesep == "\r\n" else raw.replace(b"\r\n", b"\n")
