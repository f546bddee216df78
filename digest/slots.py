"""Texts with slots: rendered once by a template, filled for each reader by joining pieces.

A template is given a *marker* in place of each personal value; cutting the result at the
markers leaves the pieces that every reader shares. They are kept as text and as bytes
encoded for the wire.
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


class Form:
    """A text with slots. Made once, filled many times.

    Both ways of filling raise KeyError if a slot's name is not in `values`, and take the
    values as they are: escape them before, for HTML.
    """

    def __init__(self, text: str) -> None:
        # With one group in the pattern, every other piece is a slot's name.
        pieces = _MARKER.split(text)
        self._names = pieces[1::2]
        self._first, *self._texts = pieces[::2]
        self._first_encoded, *self._encoded = map(fragment, pieces[::2])

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with `values` in the slots."""
        filled = [self._first]
        for name, text in zip(self._names, self._texts, strict=True):
            filled += (values[name], text)
        return "".join(filled)

    def fill_encoded(self, values: Mapping[str, bytes]) -> bytes:
        """The text as a fragment for the wire; `values` are fragments too (``wire.fragment``)."""
        filled = [self._first_encoded]
        for name, encoded in zip(self._names, self._encoded, strict=True):
            filled += (values[name], encoded)
        return b"".join(filled)
