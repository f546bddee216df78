"""Every parser answers any input in bounded time and memory: it reads it, or it refuses it."""

import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.child import Child, Overdue

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "30"))
ON_TEXT = ("latex", "markup", "text", "authors", "notice", "time", "address")
ON_BYTES = ("library", "feed", "arxiv", "huggingface")
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

# What opens something, in each of the languages. Repeated, it nests.
OPENERS = [
    *(r"\sqrt[", r"\cite[", r"\footnote[", r"\frac{", r"\textcolor{", r"\begin{a}", "{", "[", "$"),
    *(r"$\textcolor{", r"\left(", r"x_{", r"^{", r"\verb|", r"\(", "\\", r"\def\a{\a\a}", "%"),
    *("<a>", "<a/>", "<a b='", "<!--", "<![CDATA[", "<!DOCTYPE a [", "&amp", "&#x", "<math><mi>"),
    *(
        "<?xml",
        "<mrow>",
        "<sub>",
        "<table><td>",
        "@article{",
        "@string{a=",
        "TY  - JOUR\n",
        "AU  -",
    ),
    *('{"a":', "[{", '{"title":[', "é", "\u0301", "\u200d", "中", "\x00", "\ud800", "a, ", " and "),
    *("et al.; ", "(", "1" * 50, "withdrawn ", "@", '"', "ER  - \n", "%0 Journal\n%T ", "doi:10."),
]
# Wrapped around, so that a parser gets as far as the part that matters.
FRAMES = [
    "%s",
    "Titles $%s$ of formulas",
    "<rss><channel><item><title>%s</title><link>https://a.example/1</link></item></channel></rss>",
    "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>%s</title></entry></feed>",
    "@article{a, title={%s}}",
    "TY  - JOUR\nTI  - %s\nER  - \n",
    '[{"title": "%s"}]',
]


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as running:
        yield running


def sizes() -> list[int]:
    return [1, 15, 40, 400, 30_000]


@st.composite
def nasty_texts(draw: st.DrawFn) -> str:
    """Openers repeated and mixed, framed as one of the formats."""
    parts = draw(
        st.lists(st.tuples(st.sampled_from(OPENERS), st.sampled_from(sizes())), max_size=3)
    )
    text = "".join(part * times for part, times in parts)[:1_000_000]
    return draw(st.sampled_from(FRAMES)) % text + draw(st.text(max_size=20))


@pytest.mark.parametrize("parser", ON_TEXT)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(text=nasty_texts())
def test_a_parser_of_text_answers(child: Child, parser: str, text: str) -> None:
    child.run(parser, text[:100_000])


@pytest.mark.parametrize("parser", ON_BYTES)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(text=nasty_texts(), broken=st.binary(max_size=20))
def test_a_parser_of_bytes_answers(child: Child, parser: str, text: str, broken: bytes) -> None:
    child.run(parser, text.encode(errors="surrogatepass") + broken)


@pytest.mark.parametrize("parser", [*ON_TEXT, *ON_BYTES])
@pytest.mark.parametrize("times", sizes())
def test_no_opener_multiplies_the_work(child: Child, parser: str, times: int) -> None:
    for opener in OPENERS:
        text = (opener * times)[:100_000]
        sent = text.encode(errors="surrogatepass") if parser in ON_BYTES else text
        child.run(parser, sent)


def test_a_megabyte_of_a_library_is_read_or_refused(child: Child) -> None:
    csl = json.dumps([{"title": f"Title {number}", "id": "a"} for number in range(30_000)])
    ris = "TY  - JOUR\nTI  - A title\nER  - \n" * 30_000
    bibtex = "@article{a, title={A {T}itle}}\n" * 30_000

    for library in (csl, ris, bibtex):
        child.run("library", library.encode()[:1_000_000])


def test_twenty_megabytes_of_a_feed_are_refused_in_bounded_memory(child: Child) -> None:
    for body in (b"<a/>" * 5_000_000, b"<a>" * 6_000_000, b"<rss>" + b"<item/>" * 2_800_000):
        child.run("feed", body)


def test_the_limits_bite() -> None:
    """A parser that never ends is seen, and the next input gets an answer all the same."""
    with Child() as child, pytest.raises(Overdue):
        child.run("for ever", "")
    with Child() as child:
        assert child.run("latex", r"\emph{a}") == "read"
