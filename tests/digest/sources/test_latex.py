"""LaTeX as plain characters."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylatexenc.latex2text import (
    get_default_latex_context_db as get_default_context_db_of_writer,
)
from pylatexenc.latexwalker import get_default_latex_context_db

from digest.sources.latex import _UNSAID, plain


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"\textbf{Bold} and {\it slanted} words", "Bold and slanted words"),
        (r"A 36\% gain at 5% cost", "A 36% gain at 5% cost"),
        (r"in $\mathcal{O}(n^{2})$ steps", "in 𝒪(n²) steps"),
        (r"from $10^{-28}$ to $10^{3}$~eV", "from 10⁻²⁸ to 10³~eV"),
        (r"about $\sim$8s, $\pm$2.5 days", "about ∼8s, ±2.5 days"),
        (r"the $\ell_2$ norm of $M_{\rm halo}$", "the ℓ₂ norm of M_halo"),
        (r"at $15^{\circ}$ and $x_{a b}$", "at 15° and x_(a b)"),
        (r"$\frac{1}{2}$ of $\sqrt{x}$", "1/2 of √(x)"),
        (
            r"\href{https://x.example/a_b}{Code} and \url{https://y.example}",
            "Code and https://y.example",
        ),
        (r"Erd\H{o}s--R\'enyi and G\"odel", "Erdős–Rényi and Gödel"),
        (r"We call it \ours and \emph{Fast\name}", "We call it ours and Fastname"),
        (r"\unicode{xB5}m wide", "µm wide"),
        (r"A \texttt{WeaveBird} toolkit", "A WeaveBird toolkit"),
        (
            r"\texttt{a\_b}, \textsf{W\textbf{eave}} and \mbox{two words}",
            "a_b, Weave and two words",
        ),
        (r"$\mbox{rank}(A)$, \textup{up} and \textmd{medium}", "rank(A), up and medium"),
        (r"$A \xrightarrow{f} B$ \citealt{x} \definecolor{a}{rgb}{1}here", "A → B here"),
        (
            r"Sub-shot-noise metrology by Schr\"odinger cats",
            "Sub-shot-noise metrology by Schrödinger cats",
        ),
        (r"$\Lambda$CDM and H$\alpha$ emitters", "ΛCDM and Hα emitters"),
    ],
)
def test_latex_is_shown_as_characters(source: str, shown: str) -> None:
    assert plain(source) == shown


def test_no_command_that_the_parser_knows_loses_its_words() -> None:
    with_argument = {
        spec.macroname
        for spec in get_default_latex_context_db().iter_macro_specs()
        if getattr(spec.args_parser, "argspec", "") in {"{", "[{", "*[{"}
    }
    written = {spec.macroname for spec in get_default_context_db_of_writer().iter_macro_specs()}
    unwritten = with_argument - written - set(_UNSAID) - {"verb"}

    assert {"texttt", "textsf", "mbox", "keywords"} < unwritten
    assert {name for name in unwritten if plain(rf"\{name}{{woven}} x").split()[0] != "woven"} == {
        "xrightarrow",
        "xleftarrow",
    }


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and takes two days",
        "From $5 to $10 million, or $5-$10 each",
        "A {{ template }} with 100% of {braces} & <b>tags</b>  and  spaces",
        "ASCII~art_with ^carets^ # and $",
        "学習と模倣 של מודלים",
    ],
)
def test_text_without_latex_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    "text", ["\\" * 3000, "$\\frac" * 500, "\\emph{" * 900, "$" + "x_{" * 900 + "}" * 900 + "$\\"]
)
def test_broken_latex_of_any_depth_is_shown_somehow(text: str) -> None:
    assert len(plain(text)) <= len(text)


@given(st.text(alphabet="\\${}^_%&#~ab1 fracemthbuniodx\n", max_size=60))
def test_nothing_makes_it_raise(text: str) -> None:
    plain(text)


@pytest.mark.parametrize("repeats", [5, 15, 40, 400])
@pytest.mark.parametrize("shape", ["$#$", r"\emph{a} #", r"# \x"])
@pytest.mark.parametrize(
    "opener",
    [
        *(r"\sqrt[", r"\cite[", r"\footnote[", r"\frac{", r"\textcolor{"),
        *(r"\sqrt[\begin{a}]", "{[", "x_{"),
    ],
)
def test_unclosed_brackets_are_refused_quickly(opener: str, shape: str, repeats: int) -> None:
    assert seconds_for(shape.replace("#", opener * repeats)) < 0.1


def test_a_text_of_nothing_but_formulas_stays_as_it_is() -> None:
    assert plain(r"$\alpha$ " * 1000) == " ".join("α" * 1000)
    assert plain(r"$\alpha$ " * 1001) == r"$\alpha$ " * 1001


@pytest.mark.parametrize("repeats", [5, 15, 40, 400])
@pytest.mark.parametrize(
    ("opener", "closer"), [(r"\sqrt[", "]{a}"), (r"\frac{", "}{a}"), (r"\emph{", "}")]
)
def test_nested_brackets_are_converted_quickly(opener: str, closer: str, repeats: int) -> None:
    nested = f"{opener * repeats}a{closer * repeats}"

    assert seconds_for(f"${nested}$") < 0.1
    assert seconds_for(nested) < 0.1


@pytest.mark.parametrize(
    ("opener", "closer"), [(r"\sqrt[", "]{a}"), (r"\frac{", "}{a}"), (r"\emph{", "}")]
)
def test_what_is_nested_far_too_deep_stays_as_it_is(opener: str, closer: str) -> None:
    deep, deeper = (f"{opener * depth}a{closer * depth}" for depth in (10, 45))

    assert "\\" not in plain(deep)
    assert plain(deeper) == deeper


def test_time_grows_only_with_the_length_of_the_text() -> None:
    text = r"\sqrt[" * 40 + "word " * 2000

    assert seconds_for(text) < 1


def seconds_for(text: str) -> float:
    """Return the shortest of three runs, because other work on the machine slows some."""
    return min(_seconds_once(text) for _ in range(3))


def _seconds_once(text: str) -> float:
    began = time.process_time()
    plain(text)
    return time.process_time() - began


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"$\dfrac{a}{b}$ and $\tfrac12$ and \nicefrac{1}{3}", "a/b and 1/2 and 1/3"),
        (r"$\operatorname*{arg\,max}$", "arg max"),
        (r"\texorpdfstring{$\beta$-VAE}{beta-VAE} is back", "β-VAE is back"),
        (r"$\left(\frac{a}{b}\right)$, $\big|x\big|$, $\left\{x\right.$", "(a/b), |x|, {x"),
        (
            r"\foreignlanguage{german}{Wort} \scalebox{0.8}{Title} \raisebox{1pt}{Up}",
            "Wort Title Up",
        ),
        (r"\resizebox{1cm}{!}{Wide} \fontsize{9}{10}\selectfont Text", "Wide Text"),
        (r"\includegraphics[width=1em]{logo.png} WeaveBird", "WeaveBird"),
        (r"\LaTeX{} and \ours{}: our \method", "LaTeX and ours: our method"),
        (r"$\stackrel{def}{=}$ $\binom{n}{k}$", "= (n choose k)"),
        (
            r"$O(n\log n)$ for $a \leq b$ and $x \in \mathbb{S}^2$",
            "O(n log n) for a ≤ b and x ∈ 𝕊²",
        ),
    ],
)
def test_commands_that_arrange_something_show_only_what_they_arrange(
    source: str, shown: str
) -> None:
    assert plain(source) == shown
