"""The parts of a mail, within bounds: strangers wrote it.

The headers are parsed by the standard library, and the parts are told apart here: its parser takes
a time that grows with the square of the depth and of some headers, minutes for a mail of 250 KB.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import takewhile

# A report is at the beginning of a mail; what is cut off is the mail that it returns.
MOST_BYTES = 512 * 1024
LONGEST_TEXT = 16 * 1024
_MOST_PARTS, _DEPTH = 20, 4
LONGEST_VALUE = 2000
_MOST_HEADERS = 64 * 1024
_BLANK = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """Headers and what follows them; `kind` is the content type in lower case."""

    headers: Message
    body: bytes
    kind: str

    def value(self, name: str) -> str:
        """A header on one line, cut to a length that is safe to parse; "" if there is none."""
        return value_of(self.headers, name)

    def text(self) -> str:
        """The body as text, as it was before it was encoded for the way."""
        single = Message()
        for name in ("Content-Type", "Content-Transfer-Encoding"):
            single[name] = self.value(name)
        single.set_payload(self.body.decode("latin-1"))
        content = single.get_payload(decode=True)
        assert isinstance(content, bytes)
        return content.decode("utf-8", "replace").replace("\r\n", "\n")


def value_of(headers: Message, name: str) -> str:
    return " ".join(str(headers.get(name, ""))[:LONGEST_VALUE].split())


def read(content: bytes) -> list[Part]:
    """The mail itself and the parts in it, in order; of a mail in a part only the headers."""
    return list(_parts(content[:MOST_BYTES], _DEPTH, [_MOST_PARTS]))


def head_of(content: bytes) -> bytes:
    """The headers at the beginning of the content, whatever follows."""
    head = content.lstrip(b"\r\n")[:_MOST_HEADERS]
    found = _BLANK.search(head)
    return head[: found.start()] if found else head


def _parts(content: bytes, depth: int, left: list[int]) -> Iterator[Part]:
    if not left[0]:
        return
    left[0] -= 1
    part = _part(content)
    yield part
    if depth and part.kind.startswith("multipart/") and (mark := _boundary(part)):
        for piece in _split(part.body, mark):
            yield from _parts(piece, depth - 1, left)


def _part(content: bytes) -> Part:
    content = content.removeprefix(b"\r").removeprefix(b"\n")
    if content.startswith((b"\n", b"\r\n")):  # a part without headers
        return Part(Message(), content, "text/plain")
    headers = BytesHeaderParser().parsebytes(head_of(content))
    found = _BLANK.search(content)
    kind = value_of(headers, "Content-Type").partition(";")[0].strip().lower()
    return Part(headers, content[found.end() :] if found else b"", kind or "text/plain")


def _boundary(part: Part) -> bytes:
    only = Message()
    only["Content-Type"] = part.value("Content-Type")
    return (only.get_boundary() or "").encode("utf-8", "surrogateescape")


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the lines with the boundary; the last part may lack its end."""
    mark = rb"\n--" + re.escape(boundary) + rb"(?=--|[ \t]*\r?\n)"
    pieces = re.split(mark, b"\n" + body, maxsplit=_MOST_PARTS)[1:]
    parts = takewhile(lambda piece: not piece.startswith(b"--"), pieces)
    return [piece.partition(b"\n")[2] for piece in parts]
