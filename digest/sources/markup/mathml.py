"""Formulas in MathML as plain characters: B<sub>c</sub> becomes "B_c", as it does in LaTeX. Pure.

https://www.w3.org/TR/mathml-core/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape, unescape

from digest.sources.latex import scripted

# A formula that nests deeper, or has more parts, is shown as the text it holds.
_DEEPEST = 30
_MOST_PARTS = 2000
_UNSEEN = {"annotation", "annotation-xml", "mphantom", "maction"}
# Accents over a letter, and the mark that puts them there.
_ACCENTS = {
    **dict.fromkeys("¯‾―ˉ_", "\u0304"),
    **dict.fromkeys("^ˆ", "\u0302"),
    **dict.fromkeys("~˜∼", "\u0303"),
    **dict.fromkeys("→⃗", "\u20d7"),
    "˙": "\u0307",
    "¨": "\u0308",
}


@dataclass(slots=True)
class _Part:
    tag: str
    text: str = ""
    parts: list[_Part] = field(default_factory=list)


class Formula:
    """A formula, made from its tags and texts in their order."""

    def __init__(self) -> None:
        self._open = [_Part("math")]
        self._number = 0
        self._all: list[str] = []

    def put(self, text: str) -> None:
        shown = " ".join(unescape(text).split())
        self._all.append(shown)
        self._open[-1].text += shown

    def tag(self, tag: str, *, is_end: bool, is_empty: bool) -> None:
        if not tag:
            return
        if is_end:
            if len(self._open) > 1 and any(part.tag == tag for part in self._open[1:]):
                while self._open.pop().tag != tag:
                    pass
            return
        part = _Part(tag)
        self._open[-1].parts.append(part)
        self._number += 1
        if not is_empty and len(self._open) <= _DEEPEST:
            self._open.append(part)

    @property
    def shown(self) -> str:
        """The formula as characters, escaped as HTML."""
        is_simple = self._number <= _MOST_PARTS and len(self._open) <= _DEEPEST
        text = _shown(self._open[0]) if is_simple else "".join(self._all)
        return escape(" ".join(text.split()), quote=False)


def _shown(part: _Part) -> str:
    if part.tag in _UNSEEN:
        return ""
    said = [_shown(inner) for inner in part.parts]
    write = _WRITERS.get(part.tag)
    if write and len(said) >= 2:
        return write(said)
    if part.tag == "msqrt":
        return "√" + _bracketed("".join(said))
    if part.tag == "mfenced":
        return f"({', '.join(said)})"
    if part.tag == "mmultiscripts":
        return _with_scripts(part.parts, said)
    if part.tag in {"mspace", "mtr", "mtd", "mlabeledtr"}:
        return f" {''.join(said)} "
    return part.text + "".join(said)


def _with_scripts(parts: list[_Part], said: list[str]) -> str:
    """Return a symbol with scripts on both sides: ¹³C. They come in pairs, the lower one first."""
    before: list[str] = []
    after: list[str] = []
    scripts = after
    for part, text in zip(parts[1:], said[1:], strict=True):
        if part.tag == "mprescripts":
            scripts = before
            continue
        scripts.append(_script("^" if len(scripts) % 2 else "_", text))
    return "".join([*before, *said[:1], *after])


def _script(sign: str, text: str) -> str:
    said = scripted(sign, text.strip()) if text.strip() else ""
    return said.replace("{", "").replace("}", "")


def _over(said: list[str]) -> str:
    accent = _ACCENTS.get(said[1].strip())
    return said[0] + accent if accent and len(said[0]) == 1 else said[0] + _script("^", said[1])


def _bracketed(text: str) -> str:
    return text if text.isalnum() or len(text) < 2 else f"({text})"


_WRITERS: dict[str, Callable[[list[str]], str]] = {
    "msub": lambda said: said[0] + _script("_", said[1]),
    "munder": lambda said: said[0] + _script("_", said[1]),
    "msup": lambda said: said[0] + _script("^", said[1]),
    "mover": _over,
    "msubsup": lambda said: said[0] + "".join(map(_script, "_^", said[1:3])),
    "munderover": lambda said: said[0] + "".join(map(_script, "_^", said[1:3])),
    "mfrac": lambda said: f"{_bracketed(said[0])}/{_bracketed(said[1])}",
    "mroot": lambda said: f"{_script('^', said[1])}√{_bracketed(said[0])}",
}
