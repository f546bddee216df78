"""Feeds that are badly written, relative, or made to exhaust us."""

import subprocess
import sys

import pytest

from digest.sources import Answer, Download, SourceError
from digest.sources.feed import Feeds
from digest.sources.markup import plain
from tests.digest.sources.test_feed import RSS, item, only_paper, read

ONE = "<title>Folded once</title><link>https://example.org/1</link>"
TWO = "<item><title>Folded twice</title><link>https://example.org/2</link></item>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<math><msup><mn>10</mn><mrow><mo>−</mo><mn>5</mn></mrow></msup></math> m", "10⁻⁵ m"),
        ("<math><msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup></math>", "x₁²"),
        ("<m:math><m:mfrac><m:mi>a</m:mi><m:mi>b</m:mi></m:mfrac></m:math>", "a/b"),
        ("<math><mover><mi>x</mi><mo>¯</mo></mover></math>", "x̄"),
        ("<math><mi>α</mi><mo>&lt;</mo><mi>β</mi></math> &amp; more", "α<β & more"),
        (
            "<math><semantics><mi>E</mi><annotation encoding='application/x-tex'>E</annotation>"
            "</semantics></math>",
            "E",
        ),
        (
            "<math><mmultiscripts><mi>C</mi><mprescripts/><none/><mn>13</mn></mmultiscripts></math>",
            "¹³C",
        ),
        (
            "<alternatives><tex-math>$x$</tex-math><mml:math><mi>x</mi></mml:math></alternatives>",
            "x",
        ),
        ("10<sup>-5</sup> and CO<sub>2</sub>, Ada<sup>a</sup>", "10⁻⁵ and CO2, Adaa"),
        (
            "<jats:sec><jats:title>Aims</jats:title><jats:p>We fold.</jats:p></jats:sec>",
            "Aims We fold.",
        ),
        ("a <jats:bold>bold</jats:bold> and <sc>small</sc> step", "a bold and small step"),
        ("never <math><mi>closed", "never closed"),
        ("x<y and y>z, <think> and <a@b>", "x<y and y>z, <think> and <a@b>"),
    ],
)
def test_markup_becomes_text(html: str, text: str) -> None:
    assert " ".join(plain(html).split()) == text


@pytest.mark.parametrize(
    "inside",
    [
        f"{ONE}<description>Wool & cotton, AT&T and p < 0.05</description>",
        f"{ONE}<description>A&nbsp;B &mdash; C &nosuchthing; D</description>",
        f"{ONE}<description>a &#0; b &#x1F; c</description>",
        f"{ONE}<description>An <br> and a </b> that match nothing</description>",
        f"{ONE}<media:thumbnail url='x'/><foo:bar x:y='1'>z</foo:bar>",
        f"{ONE}<description><![CDATA[never closed</description>",
    ],
)
def test_broken_entry_does_not_cost_the_others(inside: str) -> None:
    answer = read(RSS.format(f"<title>J</title>{TWO}<item>{inside}</item>{TWO}"))

    assert "Folded twice" in {paper.title for paper in answer.papers}
    assert len(answer.papers) + len(answer.problems) >= 2


def test_what_a_broken_feed_clearly_means_is_kept() -> None:
    body = item(f"{ONE}<description>AT&T &amp; p < 0.05 &mdash; A&nbsp;B</description>")

    assert only_paper(body).abstract == "AT&T & p < 0.05 — A B"


def test_entry_that_cannot_be_read_is_named() -> None:
    body = RSS.format(f"<title>J</title>{TWO}<item>{ONE}<a></item>")

    answer = read(body)

    assert [(paper.title, paper.source_title) for paper in answer.papers] == [("Folded twice", "J")]
    assert answer.problems == ["The feed: entry 2 was left out: it is not well-formed XML."]


def test_feed_that_is_cut_off_gives_what_came() -> None:
    answer = read(RSS.format(f"{TWO}<item>{ONE}</item>")[:-60])

    assert [paper.title for paper in answer.papers] == ["Folded twice"]


@pytest.mark.parametrize("before", ["\n\n ", "<!-- cached -->\n", "Warning: line 7\n<br />\n"])
@pytest.mark.parametrize("after", ["", "\n<script>x()</script>", "<!-- 0.2 s -->"])
def test_what_stands_around_a_feed_does_not_matter(before: str, after: str) -> None:
    body = f'{before}<?xml version="1.1" encoding="utf-8"?>{item(ONE)}{after}'

    assert only_paper(body).title == "Folded once"


def test_one_bad_byte_does_not_spoil_the_others() -> None:
    body = item(
        "<title>Naïve “towels” – and Poincaré's @</title><link>https://example.org/1</link>"
    )

    assert only_paper(body.encode().replace(b"@", b"\x96")).title == (
        "Naïve “towels” – and Poincaré's –"
    )


# --- links ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("feed", "url"),
    [
        ('<link href="one.html" xml:base="https://a.org/x/"/>', "https://a.org/x/one.html"),
        ('<link href="/one.html"/>', "https://feed.example.org/one.html"),
        ('<link href="//b.org/one"/>', "https://b.org/one"),
        ('<link href="../one"/>', "https://feed.example.org/one"),
    ],
)
def test_relative_link_is_resolved_against_the_feed(feed: str, url: str) -> None:
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>T</title>{feed}</entry></feed>'
    got = Download(body.encode(), url="https://feed.example.org/papers/atom.xml")

    [paper] = Feeds([]).read("https://old.example.org/", got).papers

    assert paper.url == url


# --- what is wrong, in words -----------------------------------------------------------------
def failure(body: str) -> str:
    with pytest.raises(SourceError) as error:
        Feeds([]).read("https://feed.example.org/rss?key=secret", Download(body.encode()))
    return str(error.value)


@pytest.mark.parametrize("body", ["<rss>", "<html><body>Gone</body></html>", item("<title/>")])
def test_error_names_its_feed_without_its_secrets(body: str) -> None:
    said = failure(body)

    assert "https://feed.example.org/rss" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "start",
    ["<!DOCTYPE html><html>", "<html>", '<?xml version="1.0"?>\n<!doctype HTML PUBLIC "x">'],
)
def test_web_page_is_called_a_web_page(start: str) -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="/papers.xml">'

    assert "a web page (HTML) instead of a feed. Look at" in failure(f"{start}<p>Hi")
    assert "names a feed: /papers.xml" in failure(f"{start}<head>{link}</head>")


# --- abstracts -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("described", "encoded", "abstract"),
    [
        ("We fold towels and…", "<p>We fold towels and socks.</p>", "We fold towels and socks."),
        ("We fold.", "", "We fold."),
        ("<b>Abstract</b><br/>We fold.", "", "We fold."),
        ("ABSTRACT: We fold.", "", "We fold."),
        ("Abstract interpretation folds.", "", "Abstract interpretation folds."),
        ("<p>Publication date: May 2026</p><p>Source: J</p><p>We fold.</p>", "", "We fold."),
        ("We fold.<br/>[Phys. Rev. T 1, 2] Published Mon Nov 23, 2026", "", "We fold."),
        ("<p>We fold.</p><p>The post Towels appeared first on Lab.</p>", "", "We fold."),
        ("Journal of Towels, Volume 12, Issue 3, May 2026.", "", ""),
        ("word " * 80, "<p>A page about it. " + "word " * 900, ("word " * 80).strip()),
    ],
)
def test_abstract_is_the_whole_abstract(described: str, encoded: str, abstract: str) -> None:
    body = RSS.replace(
        "xmlns:dc", 'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc'
    )
    inside = f"<description><![CDATA[{described}]]></description>"
    inside += f"<content:encoded><![CDATA[{encoded}]]></content:encoded>"

    assert only_paper(body.format(f"<item>{ONE}{inside}</item>")).abstract == abstract


def test_authors_in_the_description_are_found() -> None:
    described = "Author(s): Ada Lovelace and Charles Babbage&lt;br/&gt;We fold."
    body = item(f"{ONE}<description>{described}</description>")

    paper = only_paper(body)

    assert (paper.authors, paper.abstract) == (("Ada Lovelace", "Charles Babbage"), "We fold.")


def test_id_that_all_entries_share_names_none() -> None:
    guid = '<guid isPermaLink="false">tag:example.org,2026:all</guid>'
    answer = read(RSS.format(f"<item>{ONE}{guid}</item>{TWO.replace('</item>', guid + '</item>')}"))

    assert [paper.other_keys for paper in answer.papers] == [
        ("at:example.org/1",),
        ("at:example.org/2",),
    ]


# --- limits --------------------------------------------------------------------------------
_MEASURED = """
import resource, sys, time
from digest.sources import SourceError
from digest.sources.feed import Feeds
body = {body}
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    Feeds([]).parse(body)
except SourceError:
    pass
taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(taken // 1024, time.process_time() - began)
"""


@pytest.mark.parametrize(
    "body",
    [
        "b'<rss>' + b'<a/>' * 5_000_000",
        "b'<a>' * 6_000_000",
        "b'<rss ' + b' '.join(b'a%d=\"\"' % n for n in range(1_000_000)) + b'/>'",
        "b'<rss><channel><item><title>' + b'& ' * 10_000_000",
        "b'<rss><channel><item><title>' + b'& ' * 290_000",
        "b'<rss>&bad ' + b'<item></item>' * 140_000",
        "b'<rss>' + b'<q:a>' * 290_000",
        "b'<rss>' + b'&nbsp;' * 3_000_000",
        "b'<html>' + b'<link ' * 3_000_000",
        "b'<!--' * 5_000_000",
    ],
)
def test_no_feed_takes_much_memory_or_time(body: str) -> None:
    script = _MEASURED.format(body=body)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    megabytes, seconds = map(float, done.stdout.split())

    assert megabytes < 150
    assert seconds < 10


@pytest.mark.parametrize(
    "piece", ["<math>", "<math><mi>", "<msub><math>", "<jats:p>", "<math></math>"]
)
def test_hostile_formulas_are_read_quickly(piece: str) -> None:
    assert len(plain(piece * 100_000)) < 50_000


def test_unchanged_feed_has_no_papers() -> None:
    feeds = Feeds(["https://a.example/"])

    assert feeds.fetch(None, lambda url: Download(b"", is_unchanged=True)) == Answer()


@pytest.mark.parametrize(
    ("twice", "text"),
    [
        ("A &lt;i&gt;telling&lt;/i&gt; title", "A telling title"),
        ("Salt &amp;amp; pepper, &amp;alpha; x", "Salt & pepper, α x"),
        ("&lt;p&gt;One.&lt;/p&gt;", "One."),
        # What an author may mean.
        ("if a &lt; b and b &gt; c", "if a < b and b > c"),
        ("the tag &lt;b&gt; of HTML", "the tag <b> of HTML"),
        ("R&amp;D", "R&D"),
    ],
)
def test_what_was_escaped_twice_is_read_twice(twice: str, text: str) -> None:
    assert plain(twice).strip() == text


@pytest.mark.parametrize(
    "feed",
    [
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns="http://purl.org/rss/1.0/"><item rdf:about="https://j.example/1">'
        "<title>A telling title</title></item></rdf:RDF>",
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>A telling title</title>'
        '<link rel="alternate" href="https://j.example/1"/></entry></feed>',
        '<rss xmlns="http://backend.userland.com/rss2"><channel><item>'
        "<title>A telling title</title><link>https://j.example/1</link></item></channel></rss>",
    ],
)
def test_old_formats_are_read(feed: str) -> None:
    (paper,) = Feeds(["https://j.example/feed"]).parse(feed.encode()).papers
    assert (paper.title, paper.url) == ("A telling title", "https://j.example/1")
