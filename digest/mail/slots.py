"""Texts with slots: rendered once by a template, filled for each reader by joining pieces.

A template is given a *marker* in place of each personal value; cutting the result at the
markers leaves the pieces that every reader shares, which are kept encoded for the wire.
"""

import re
import secrets
from collections.abc import Iterable, Mapping

from .wire import fragment

# Not to be guessed, so that no paper's title can open a slot.
_NONCE = f"slot{secrets.token_hex(8)}"
_MARKER = re.compile(f"{_NONCE}([a-z_]+){_NONCE}")


def markers(names: Iterable[str]) -> dict[str, str]:
    """A marker for each name, to be given to a template as that name's value."""
    return {name: f"{_NONCE}{name}{_NONCE}" for name in names}


class WireTemplate:
    """A text with slots, encoded for the wire. Made once, filled many times.

    Values are fragments (``wire.fragment``), and taken as they are: escape them before, for
    HTML. Filling raises KeyError if a slot's name is not among them.
    """

    def __init__(self, text: str) -> None:
        # With one group in the pattern, every other piece is a slot's name.
        pieces = _MARKER.split(text)
        self._names = pieces[1::2]
        self._first, *self._others = map(fragment, pieces[::2])

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The text as a fragment, with `values` in the slots."""
        filled = [self._first]
        for name, piece in zip(self._names, self._others, strict=True):
            filled += (values[name], piece)
        return b"".join(filled)

    def around(self, name: str, values: Mapping[str, bytes]) -> tuple[bytes, ...]:
        """The fragments around the slot `name`, with `values` in the other slots.

        ``value.join(pieces)`` is the whole: the quickest way to fill one slot for each reader.
        """
        mark = markers([name])[name].encode()
        return tuple(self.fill({**values, name: mark}).split(mark))
