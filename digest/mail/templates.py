"""Templates with slots: Django renders them once, and each reader's values go into the slots.

A template is given a *marker* in place of each personal value. Cutting the rendered text at the
markers leaves the pieces that all readers share, which are kept encoded for the wire.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import escape

from .wire import fragment

# Random, so that no paper's title can contain a marker.
_NONCE = f"slot{secrets.token_hex(8)}"
_MARKER = re.compile(f"{_NONCE}([a-z_]+){_NONCE}")

_CHARSET = '<meta charset="utf-8">'


def markers(names: Iterable[str]) -> dict[str, str]:
    """Returns a marker for each name. Give it to a template as the value of that name."""
    return {name: f"{_NONCE}{name}{_NONCE}" for name in names}


class WireTemplate:
    """A text with slots, encoded for the wire.

    The values for the slots are fragments (`wire.fragment`). They are inserted as they are, so
    values for HTML must be escaped before. A slot without a value raises KeyError.
    """

    def __init__(self, text: str) -> None:
        # The pattern has one group, so every other piece is the name of a slot.
        pieces = _MARKER.split(text)
        self._names = pieces[1::2]
        self._first, *self._others = map(fragment, pieces[::2])

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """Returns the text as a fragment, with `values` in the slots."""
        filled = [self._first]
        for name, piece in zip(self._names, self._others, strict=True):
            filled += (values[name], piece)
        return b"".join(filled)


class Fragments(NamedTuple):
    """The same words for the text part and for the HTML part of a mail, as fragments.

    A tuple, because a frozen dataclass takes twice as long to make, and every mail needs ten.
    """

    text: bytes
    html: bytes


def fragments_of(words: str) -> Fragments:
    """Returns plain words for both parts, escaped for the HTML."""
    return Fragments(text=fragment(words), html=fragment(escape(words)))


@dataclass(frozen=True, slots=True)
class TemplatePair:
    """A template for the text part and its counterpart for the HTML part."""

    text: WireTemplate
    html: WireTemplate

    def fill(self, values: Mapping[str, Fragments], **alike: bytes) -> Fragments:
        """Returns both texts, with `values` in the slots. `alike` are the same in both texts."""
        return Fragments(
            text=self.text.fill({name: value.text for name, value in values.items()} | alike),
            html=self.html.fill({name: value.html for name, value in values.items()} | alike),
        )


def template_pair(name: str, context: dict[str, Any], *, is_page: bool = False) -> TemplatePair:
    """Renders ``digest/mail/NAME.txt`` and ``NAME.html``, with the stylesheet inlined.

    Uses the active language. `is_page` says that the HTML is a whole page, not a part of one.
    """
    text = render_to_string(f"digest/mail/{name}.txt", context)
    html: str = render_to_string(f"digest/mail/{name}.html", context)
    inliner = _inliner()
    if is_page:
        # The inliner puts the remaining style rules first in <head>. The charset must come within
        # the first kilobyte, so it moves to the front again.
        html = inliner.inline(html).replace(_CHARSET, "", 1)
        html = html.replace("<head>", f"<head>{_CHARSET}", 1)
    else:
        html = inliner.inline_fragment(html, _stylesheet())
    return TemplatePair(text=WireTemplate(text), html=WireTemplate(html))


@cache
def _stylesheet() -> str:
    path = settings.BASE_DIR / "templates" / "digest" / "mail" / "mail.css"
    return str(path.read_text(encoding="utf-8"))


@cache
def _inliner() -> css_inline.CSSInliner:
    # Media rules (dark mode, phones) cannot be inlined and stay in <head>. Nothing is fetched.
    return css_inline.CSSInliner(
        extra_css=_stylesheet(), keep_at_rules=True, load_remote_stylesheets=False
    )
