r"""LaTeX in titles and abstracts, turned into what a reader without LaTeX should see. Pure.

"$O(n^{2})$ for \textbf{all}" becomes "O(n²) for all". Whatever a program cannot say better stays
as its author wrote it.
"""

import logging
import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from pylatexenc.latex2text import (
    LatexNodes2Text,
    MacroTextSpec,
    get_default_latex_context_db,
)
from pylatexenc.latexwalker import LatexGroupNode, LatexMacroNode, LatexWalker

# A dollar sign starts a formula, or it means money. A formula starts and ends without a space.
# A formula with a digit right after it ("$\sim$8 s") does not start with a digit: "from $5-$10"
# is money.
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
# In prose these are ordinary characters: a percent sign does not start a comment.
_PLAIN_CHARACTERS = re.compile(r"(?<!\\)[%&#$]")
_ABOUT = re.compile(r"(?<![^\s(\[])~(?=[\d.])")
# The target of a link, the color of a text, its size or its language, and what stands above it.
# The words that readers see follow these.
_UNSEEN = re.compile(
    r"\\(?:href|textcolor|color|scalebox|raisebox|rotatebox|foreignlanguage|hyperlink|hypertarget"
    r"|parbox|stackrel|overset|underset|textlang|fontfamily|fontseries|fontshape)\*?\s*\{[^{}]*\}"
    r"|\\(?:resizebox|fontsize|fcolorbox|multirow|multicolumn)\*?\s*\{[^{}]*\}\s*\{[^{}]*\}"
    r"|\\(?:left|right|middle)(?![A-Za-z])\s*\.?|\\[bB]igg?[lrm]?(?![A-Za-z])"
    r"|\\(?:selectfont|textstyle|scriptstyle|scriptscriptstyle|nolimits|noindent|centering)(?![A-Za-z])"
)
# All that the parser reads under another name, or not with a star.
_STARRED = re.compile(r"(\\[A-Za-z]+)\*(?=\s?\{)")
_FRACTION = re.compile(r"\\(?:[dtcx]frac|nicefrac|sfrac|flatfrac)(?![A-Za-z])")
_GROUP = r"\{((?:[^{}]|\{[^{}]{0,200}\}){0,300})\}"
_IN_BOTH_WAYS = re.compile(rf"\\texorpdfstring\s?{_GROUP}\s?{_GROUP}")
_BINOMIAL = re.compile(rf"\\[dt]?binom\s?{_GROUP}\s?{_GROUP}")
# Commands and braces about the look of words. With a formula between them, the braces would be torn
# apart.
_STYLED = re.compile(
    rf"\\(?:text(?:bf|it|tt|sc|sf|rm|md|up|sl)|emph|underline)\*?\s?{_GROUP}"
    r"|\{\\(?:bf|it|em|sc|sf|tt|rm|bfseries|itshape|scshape|ttfamily)(?![A-Za-z])\s*"
    rf"{_GROUP[2:-2]}\}}"
)
# TeX drops the space after a command. Between two words of a formula it is seen.
_OPERATOR = re.compile(
    r"(?<=[\w})])\s*(\\(?:log|ln|exp|min|max|sin|cos|tan|arg|sup|inf))(?![A-Za-z])\s*(?=[\w\\])"
)
_RELATION = re.compile(
    r"(?<=\s)(\\(?:leq?|geq?|neq?|ll|gg|approx|sim|simeq|equiv|in|notin|subset|to|mapsto|times|cdot"
    r"|(?:long)?(?:right|left)arrow|pm|cup|cap|propto|mid|gtrsim|lesssim))\s+(?=\S)"
)
_CODE_POINT = re.compile(r"\\unicode\{x([0-9A-Fa-f]{2,6})\}")
# Font commands, and commands that refer to something outside the text or arrange it.
_UNSAID = (
    *("rm", "bf", "it", "sc", "em", "sf", "tt", "cal", "displaystyle", "limits", "xspace"),
    *("ref", "label", "footnote", "footnotemark", "thanks", "hphantom", "vphantom", "hypersetup"),
    "includegraphics",
    *("cite", "citep", "citet", "citealt", "citealp", "citeauthor", "citefullauthor", "citeyear"),
    *("citeyearpar", "Citet", "Citep", "Citealt", "Citealp", "Citeauthor", "citenum", "citetext"),
    *("citetalias", "citepalias", "defcitealias", "bibliography", "selectlanguage"),
    *("documentclass", "usepackage", "RequirePackage", "setlength", "addlength", "setcounter"),
    *("addcounter", "newcommand", "renewcommand", "providecommand", "newenvironment"),
    *("renewenvironment", "provideenvironment", "DeclareMathOperator", "definecolor"),
    *("providecolor", "colorlet", "color", "pagecolor", "nopagecolor", "rowcolors"),
)
# How many tokens the parser may read more than once. Of 34,000 pieces of LaTeX from real titles
# and abstracts, none needed more than 28.
_MOST_REREAD = 200
# Each formula takes the parser a quarter of a millisecond, whatever it holds. Of 8,000 real titles
# and abstracts with formulas, none has more than 49.
_MOST_FORMULAS = 1000
# How deep brackets and arguments may be nested, far from the depth at which Python gives up. None
# of 8,000 real pieces of LaTeX goes deeper than 7.
_DEEPEST = 40


def plain(text: str) -> str:
    """Return `text` with its LaTeX as plain characters; text without LaTeX is not changed.

    Never raises, and takes time in proportion to the length of `text`. LaTeX that takes more
    than that to convert stays as it is. The result needs cleaning even if `text` is clean,
    because LaTeX can write any character.
    """
    if "\\" not in text and text.count("$") < 2:
        return text
    unstyled = _unstyled(_IN_BOTH_WAYS.sub(r"\1", text))
    formulas = list(islice(_MATH.finditer(unstyled), _MOST_FORMULAS + 1))
    if len(formulas) > _MOST_FORMULAS:
        return text
    parts: list[str] = []
    end = 0
    for match in formulas:
        formula = next(group for group in match.groups() if group is not None)
        parts += [_prose(unstyled[end : match.start()]), _formula(formula)]
        end = match.end()
    parts.append(_prose(unstyled[end:]))
    shown = "".join(parts)
    return shown if shown == unstyled else " ".join(shown.split())


def _unstyled(text: str) -> str:
    """Return the text without the commands that style words with formulas among them, up to three
    within each other."""
    for _ in range(3):
        before, text = text, _STYLED.sub(_words_with_a_formula, text)
        if before == text:
            break
    return text


def _words_with_a_formula(match: re.Match[str]) -> str:
    words = str(match[1] or match[2] or "")
    return words if "$" in words or "\\(" in words else match[0]


def _prose(text: str) -> str:
    if "\\" not in text:
        return text
    return _edges(text, _converted(_ABOUT.sub(r"\\textasciitilde{}", _escaped(text)), text))


def _formula(text: str) -> str:
    spaced = _RELATION.sub(r"\1{} ", _OPERATOR.sub(r" \1{} ", text))
    return _converted(_SCRIPT.sub(_script, _escaped(spaced)), text).strip()


def _escaped(text: str) -> str:
    renamed = _STARRED.sub(r"\1", _FRACTION.sub(r"\\frac", text))
    said = _BINOMIAL.sub(r"(\1 choose \2)", renamed)
    seen = _CODE_POINT.sub(_character, _UNSEEN.sub("", said))
    return _PLAIN_CHARACTERS.sub(r"\\\g<0>", seen)


def _script(match: re.Match[str]) -> str:
    sign, group, single = match.groups()
    inner = single if group is None else _SCRIPT.sub(_script, group)
    return scripted(sign, _converted(inner, inner).strip())


def scripted(sign: str, said: str) -> str:
    """Return an index ("_") or exponent ("^"): in small characters where they exist, otherwise in
    full."""
    table = _RAISED if sign == "^" else _LOWERED
    if said and all(ord(char) in table for char in said):
        return said.translate(table)
    if sign + said in _SIGNS:
        return _SIGNS[sign + said]
    # The braces keep a preceding backslash from swallowing the first character.
    return f"{sign}{{{said}}}" if said.isalnum() or len(said) < 2 else f"{sign}({said})"


class _Unreasonable(Exception):
    """The text makes the parser go back too often, or down too deep."""


class _Walker(LatexWalker):  # type: ignore[misc]  # pylatexenc ships no types
    """A parser that gives up on text that is unreasonable.

    pylatexenc parses the rest of the text again for each bracket that is never closed, so that
    each ``\\sqrt[`` doubles the time.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._furthest = -1
        self._reread = 0
        self._depth = 0

    def get_token(self, pos: int, *args: Any, **kwargs: Any) -> Any:
        if pos > self._furthest:
            self._furthest = pos
        else:
            self._reread += 1
        if self._reread > _MOST_REREAD:
            raise _Unreasonable
        return super().get_token(pos, *args, **kwargs)

    def get_latex_nodes(self, *args: Any, **kwargs: Any) -> Any:
        return self._deeper(super().get_latex_nodes, *args, **kwargs)

    def get_latex_expression(self, *args: Any, **kwargs: Any) -> Any:
        return self._deeper(super().get_latex_expression, *args, **kwargs)

    def _deeper(self, parse: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._depth >= _DEEPEST:
            raise _Unreasonable
        self._depth += 1
        try:
            return parse(*args, **kwargs)
        finally:
            self._depth -= 1


def _converted(source: str, otherwise: str) -> str:
    if "\\" not in source and "{" not in source:
        return source
    try:
        nodes, _position, _length = _Walker(source).get_latex_nodes()
        converted = str(_CONVERTER.nodelist_to_text(nodes))
    # The library makes no promises about broken input, and a digest must not fail for a title.
    except Exception:
        return otherwise
    # pylatexenc leaves "%s" in place of a missing argument of a fraction.
    return otherwise if "%s" in converted else converted


def _edges(text: str, converted: str) -> str:
    """Return `converted` with the outer spaces of `text`, to keep words apart."""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() else ""
    return f"{before}{converted.strip()}{after}"


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    char = chr(number) if number < 0x110000 else ""
    return char if char.isprintable() else ""


def _unknown(node: LatexMacroNode, l2tobj: LatexNodes2Text) -> str:
    r"""Show what a command without a rule of ours says: its argument ("\texttt{WeaveBird}").

    The parser knows the arguments of some commands. An author's own command is dropped if an
    argument follows, as the text then goes on with that; otherwise its name shows ("\ours{}").
    """
    arguments = node.nodeargd.argnlist if node.nodeargd else None
    if arguments:
        said = [argument for argument in arguments if isinstance(argument, LatexGroupNode)]
        needed = [argument for argument in said if argument.delimiters[0] == "{"]
        text = str(l2tobj.nodelist_to_text(needed[-1:] or arguments[-1:]))
        return f"{text}{node.macro_post_space}"
    following = node.parsing_state.s[node.pos + node.len :][:2]
    is_name = not following.startswith("{") or following == "{}"
    return f"{node.macroname}{node.macro_post_space}" if is_name else ""


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
            MacroTextSpec("xrightarrow", simplify_repl="→"),
            MacroTextSpec("xleftarrow", simplify_repl="←"),
        ],
    )
    context.set_unknown_macro_spec(MacroTextSpec("", simplify_repl=_unknown))
    return LatexNodes2Text(latex_context=context, math_mode="text", strict_latex_spaces=False)


_CONVERTER = _converter()
# pylatexenc warns of every slip in a paper's LaTeX.
logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
