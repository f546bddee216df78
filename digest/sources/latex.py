r"""LaTeX in titles and abstracts, as a reader without LaTeX reads it: pure.

"$\mathcal{O}(n^{2})$ for \textbf{all}" becomes "O(n²) for all". What a program cannot say better
stays as its author wrote it.
"""

import logging
import re
from functools import lru_cache

from pylatexenc.latex2text import (
    LatexNodes2Text,
    MacroTextSpec,
    get_default_latex_context_db,
)
from pylatexenc.latexwalker import LatexMacroNode

# A dollar begins a formula, or it is money. A formula begins and ends without a space, and one
# with a number right behind it ("$\sim$8 s") does not begin with a number ("from $5-$10").
_MATH = re.compile(
    r"""\$\$([^$]{1,400})\$\$ | \\\((.{1,400}?)\\\) | \\\[(.{1,400}?)\\\]
    | (?<!\\)\$((?=\S)[^$]{0,399}[^$\s\\])\$(?!\d)
    | (?<!\\)\$((?=[^\d\s])[^$]{0,399}[^$\s\\])\$(?=\d)
    | (?<!\\)\$(\s[^$]{0,200}[\\^_=<>][^$]{0,200})\$
    | (?<!\\)\$([^$\s][^$]{0,200}[\\^_=<>][^$]{0,200}\s|\w\s)\$""",
    re.VERBOSE,
)
_SCRIPT = re.compile(r"([_^])\s?(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\\[A-Za-z]+|[^\s\\{}]))")
_RAISED = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_SIGNS = {
    **dict.fromkeys(("^∘", "^°"), "°"),
    **dict.fromkeys(("^⋆", "^∗", "^*"), "*"),
    **dict.fromkeys(("^′", "^'"), "′"),
    **dict.fromkeys(("^′′", "^''", "^”"), "″"),
}
# In prose these are the characters themselves: a percent sign begins no comment.
_PLAIN_CHARACTERS = re.compile(r"(?<!\\)[%&#$]")
_ABOUT = re.compile(r"(?<![^\s(\[])~(?=[\d.])")
# Where a link leads, and in which colour something stands; what it says follows.
_UNSEEN = re.compile(r"\\(?:href|textcolor|color)\s*\{[^{}]*\}")
_CODE_POINT = re.compile(r"\\unicode\{x([0-9A-Fa-f]{2,6})\}")
# Fonts and what points out of the text.
_UNSAID = (
    *("rm", "bf", "it", "sc", "em", "sf", "tt", "cal", "displaystyle", "limits", "xspace"),
    *("cite", "citep", "citet", "ref", "label", "footnote", "footnotemark", "thanks"),
)


@lru_cache(maxsize=2048)
def plain(text: str) -> str:
    """`text` with its LaTeX as plain characters. Text without LaTeX stays as it is, byte by byte.

    Never raises, whatever the text is. Clean the result and not its source: LaTeX can write
    every character.
    """
    if "\\" not in text and text.count("$") < 2:
        return text
    parts: list[str] = []
    end = 0
    for match in _MATH.finditer(text):
        formula = next(group for group in match.groups() if group is not None)
        parts += [_prose(text[end : match.start()]), _formula(formula)]
        end = match.end()
    parts.append(_prose(text[end:]))
    shown = "".join(parts)
    return shown if shown == text else " ".join(shown.split())


def _prose(text: str) -> str:
    if "\\" not in text:
        return text
    return _edges(text, _converted(_ABOUT.sub(r"\\textasciitilde{}", _escaped(text)), text))


def _formula(text: str) -> str:
    return _converted(_SCRIPT.sub(_script, _escaped(text)), text).strip()


def _escaped(text: str) -> str:
    seen = _CODE_POINT.sub(_character, _UNSEEN.sub("", text))
    return _PLAIN_CHARACTERS.sub(r"\\\g<0>", seen)


def _script(match: re.Match[str]) -> str:
    """An index or an exponent: small figures if they can be written, else what they say."""
    sign, group, single = match.groups()
    inner = single if group is None else _SCRIPT.sub(_script, group)
    said = _converted(inner, inner).strip()
    table = _RAISED if sign == "^" else _LOWERED
    if said and all(ord(char) in table for char in said):
        return said.translate(table)
    if sign + said in _SIGNS:
        return _SIGNS[sign + said]
    # Braces around it keep a backslash before from reaching into it.
    return f"{sign}{{{said}}}" if said.isalnum() or len(said) < 2 else f"{sign}({said})"


def _converted(source: str, otherwise: str) -> str:
    if "\\" not in source and "{" not in source:
        return source
    try:
        converted = str(_CONVERTER.latex_to_text(source))
    # The library promises nothing about broken input, and a digest must not fail for a title.
    except Exception:
        return otherwise
    # What it writes for a fraction without its two parts.
    return otherwise if "%s" in converted else converted


def _edges(text: str, converted: str) -> str:
    """`converted` with the spaces that `text` has around it: words must not grow together."""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() else ""
    return f"{before}{converted.strip()}{after}"


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    char = chr(number) if number < 0x110000 else ""
    return char if char.isprintable() else ""


def _unknown(node: LatexMacroNode) -> str:
    r"""An author's own command: its argument if one follows, else its name ("\ours")."""
    following = node.parsing_state.s[node.pos + node.len :][:1]
    return "" if following == "{" else f"{node.macroname}{node.macro_post_space}"


def _converter() -> LatexNodes2Text:
    context = get_default_latex_context_db()
    context.add_context_category(
        "papers",
        prepend=True,
        macros=[
            MacroTextSpec("url", simplify_repl="%s"),
            *(MacroTextSpec(name, simplify_repl="") for name in _UNSAID),
            MacroTextSpec("eg", simplify_repl="e.g."),
            MacroTextSpec("ie", simplify_repl="i.e."),
        ],
    )
    context.set_unknown_macro_spec(MacroTextSpec("", simplify_repl=_unknown))
    return LatexNodes2Text(latex_context=context, math_mode="text", strict_latex_spaces=False)


_CONVERTER = _converter()
# It warns of every slip in a paper's LaTeX, and once for each time that we meet it.
logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
