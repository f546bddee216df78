import time
from datetime import UTC, datetime

import pytest

from digest.sources import Answer, Download, SourceError, SourcePaper, get_source
from digest.sources.feed import Feeds
from digest.sources.markup import plain

RSS = '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>{}</channel></rss>'
LINK = "<link>https://example.org/1</link>"
ITEM = f"<item><title>T</title>{LINK}</item>"


def read(body: str | bytes, content_type: str = "") -> Answer:
    return Feeds([]).parse(body.encode() if isinstance(body, str) else body, content_type)


def only_paper(body: str | bytes, content_type: str = "") -> SourcePaper:
    (paper,) = read(body, content_type).papers
    return paper


def item(inside: str) -> str:
    return RSS.format(f"<item>{inside}</item>")


def test_rss_item_becomes_a_paper() -> None:
    body = item(
        "<title>Folding towels</title><link>https://example.org/1</link>"
        "<description>&lt;p&gt;We &lt;b&gt;fold&lt;/b&gt;.&lt;/p&gt;</description>"
        "<pubDate>Thu, 20 Aug 2026 10:00:00 GMT</pubDate><category>Robots</category>"
        "<dc:creator>Ada Lovelace</dc:creator><dc:creator>Charles Babbage</dc:creator>"
    )

    assert only_paper(body) == SourcePaper(
        key="url:example.org/1",
        title="Folding towels",
        url="https://example.org/1",
        abstract="We fold.",
        authors=("Ada Lovelace", "Charles Babbage"),
        num_authors=2,
        published_at=datetime(2026, 8, 20, 10, tzinfo=UTC),
        announced_at=datetime(2026, 8, 20, 10, tzinfo=UTC),
        keywords=("Robots",),
        other_keys=("at:example.org/1",),
    )


def test_rss_1_item_becomes_a_paper() -> None:
    body = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
 <channel rdf:about="x"><title>Journal</title></channel>
 <item rdf:about="https://example.org/1"><title>Folding towels</title>
 <link>https://example.org/1</link><dc:identifier>doi:10.1000/ABC.1</dc:identifier>
 <dc:date>2026-08-20</dc:date></item></rdf:RDF>"""

    paper = only_paper(body)

    assert (paper.key, paper.title) == ("doi:10.1000/abc.1", "Folding towels")
    assert paper.published_at == datetime(2026, 8, 20, tzinfo=UTC)


def test_atom_entry_becomes_a_paper() -> None:
    body = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://search.yahoo.com/mrss/">
 <title>Preprints</title><link rel="self" href="https://example.org/feed"/>
 <entry><m:title>no</m:title><title type="html">Folding &lt;i&gt;towels&lt;/i&gt;</title>
 <id>tag:example.org,2026:1</id><link rel="enclosure" href="https://example.org/1.pdf"/>
 <link href="https://arxiv.org/abs/2405.00001v3"/><author><name>Ada Lovelace</name></author>
 <summary>We fold.</summary><published>2026-08-20T10:00:00Z</published>
 <category term="robots"/></entry></feed>"""

    paper = only_paper(body)

    assert (paper.key, paper.url) == ("arxiv:2405.00001", "https://arxiv.org/abs/2405.00001v3")
    assert (paper.title, paper.authors) == ("Folding towels", ("Ada Lovelace",))
    assert (paper.abstract, paper.keywords) == ("We fold.", ("robots",))


RSS_1 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/"><channel><title>{}</title></channel>
 <item><title>T</title><link>https://example.org/1</link></item></rdf:RDF>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>{}</title>
 <entry><title>T</title><link href="https://example.org/1"/></entry></feed>"""


@pytest.mark.parametrize("feed", [RSS.format("<title>{}</title>" + ITEM), RSS_1, ATOM])
def test_papers_are_from_the_feed_by_its_title(feed: str) -> None:
    assert only_paper(feed.format("Journal\n of &lt;b&gt;Towels&lt;/b&gt;")).source_title == (
        "Journal of Towels"
    )
    assert only_paper(feed.format("x" * 500)).source_title == "x" * 199 + "…"
    assert only_paper(feed.format("")).source_title == ""


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("p &lt; 0.05 and $a&lt;b$ and c&gt;d", "p < 0.05 and a<b and c>d"),
        ("x&lt;y and z&gt;w", "x<y and z>w"),
        ("&lt;p&gt;One&lt;/p&gt;&lt;p&gt;two&lt;br/&gt;three&lt;/p&gt;", "One two three"),
        ("CO&lt;sub&gt;2&lt;/sub&gt; &amp;amp; more", "CO2 & more"),
        ("safe &lt;script&gt;alert(1)&lt;/script&gt; text", "safe text"),
        ("&lt;img src=x onerror=alert(1)&gt; {{ 7*7 }}", "{{ 7*7 }}"),
        ("<![CDATA[<div onclick='x'>We fold.</div>]]>", "We fold."),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    body = item(f"<title>T</title>{LINK}<description>{html}</description>")

    assert only_paper(body).abstract == text


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<!--", "</", "<script>", "<a b='", "&#", "<![CDATA["]
)
def test_hostile_html_is_read_quickly(piece: str) -> None:
    began = time.process_time()

    plain(piece * (1_000_000 // len(piece)))

    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "/papers/1", "https://u:p@example.org/", "http://"],
)
def test_entry_with_a_link_that_is_not_a_web_address_is_left_out(link: str) -> None:
    good = f"<item><title>Good</title>{LINK}</item>"
    body = RSS.format(f"{good}<item><title>Bad</title><link>{link}</link></item>")

    answer = read(body)

    assert [paper.title for paper in answer.papers] == ["Good"]
    assert answer.problems == [
        "The feed: entry 2 was left out: “Bad” has a link that is not a web address."
    ]


def test_entry_without_a_title_or_link_is_left_out() -> None:
    entries = [f"<title>Good</title>{LINK}", LINK, "<title>Lost</title>"]

    answer = read(RSS.format("".join(f"<item>{entry}</item>" for entry in entries)))

    assert answer.problems == [
        "The feed: entry 2 was left out: it has no title.",
        "The feed: entry 3 was left out: “Lost” has no link.",
    ]


def test_guid_serves_as_the_link() -> None:
    assert only_paper(item("<title>T</title><guid>https://example.org/7</guid>")).url == (
        "https://example.org/7"
    )


def test_address_of_an_author_is_not_kept() -> None:
    body = item(f"<title>T</title>{LINK}<author>ada@example.org (Ada Lovelace)</author>")

    assert only_paper(body).authors == ("Ada Lovelace",)


def test_date_in_the_future_is_ignored() -> None:
    body = item(f"<title>T</title>{LINK}<pubDate>Thu, 20 Aug 2099 10:00:00 GMT</pubDate>")

    assert only_paper(body).published_at is None


@pytest.mark.parametrize(
    ("declared", "written", "content_type"),
    [
        ("utf-8", "utf-8", "application/rss+xml"),
        ("utf-8", "utf-8", "text/xml; charset=iso-8859-1"),
        ("iso-8859-1", "utf-8", ""),
        ("utf-8", "cp1252", ""),
        ("", "cp1252", "text/xml"),
        ("", "cp1252", "text/xml; charset=iso-8859-1"),
        ("us-ascii", "cp1252", ""),
        ("punycode", "cp1252", ""),
        ("no-such", "utf-8", 'text/xml; charset="also none"'),
        ("utf-8", "utf-8-sig", ""),
        ("utf-16", "utf-16", "text/xml; charset=utf-8"),
    ],
)
def test_wrong_charset_does_not_spoil_a_title(
    declared: str, written: str, content_type: str
) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    body = declaration + item(f"<title>“Poincaré” – naïve</title>{LINK}")

    assert only_paper(body.encode(written), content_type).title == "“Poincaré” – naïve"


def test_declared_charset_is_believed_where_it_fits() -> None:
    body = '<?xml version="1.0" encoding="koi8-r"?>' + item(f"<title>Полотенца</title>{LINK}")

    assert only_paper(body.encode("koi8-r")).title == "Полотенца"


def test_control_character_does_not_cost_the_feed() -> None:
    assert only_paper(item(f"<title>To\x0bwels\x00</title>{LINK}")).title == "Towels"


BOMB = """<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;">]>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY c SYSTEM "file:///etc/passwd">]>"""
PARAMETER = """<?xml version="1.0"?><!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd">"""


@pytest.mark.parametrize("start", [BOMB, OUTSIDE, PARAMETER], ids=["bomb", "file", "dtd"])
def test_document_type_is_refused(start: str) -> None:
    body = item(f"<title>Towels{'&c;' if 'ENTITY c' in start else ''}</title>{LINK}")

    with pytest.raises(SourceError, match="document type or entities"):
        read(start + body)


@pytest.mark.parametrize(
    "body",
    ["", "<rss><channel>", "<html><body>Gone</body></html>", "<a>" * 50_000, '{"items": []}'],
    ids=["empty", "cut off", "html", "deep", "json"],
)
def test_answer_that_is_no_feed_is_an_error(body: str) -> None:
    with pytest.raises(SourceError):
        read(body)


def test_feed_without_entries_has_no_papers() -> None:
    assert read(RSS.format("")) == Answer([], [], 0)


def test_feed_that_is_down_does_not_stop_the_others() -> None:
    def get(url: str) -> Download:
        if "down" in url:
            raise SourceError("https://down.example.org/ did not answer in time.")
        return Download(item(f"<title>T</title>{LINK}").encode())

    feeds = get_source("feeds", feeds=["https://down.example.org/", "https://up.example.org/"])
    answer = feeds.fetch(None, get)

    assert [paper.title for paper in answer.papers] == ["T"]
    assert answer.problems == ["https://down.example.org/ did not answer in time."]


def test_feeds_that_are_all_down_are_an_error() -> None:
    def get(url: str) -> Download:
        raise SourceError(f"{url} did not answer in time.")

    with pytest.raises(SourceError, match="did not answer"):
        get_source("feeds", feeds=["https://a.example/", "https://b.example/"]).fetch(None, get)


def test_no_feed_is_an_error() -> None:
    with pytest.raises(SourceError, match="FEEDS"):
        get_source("feeds").fetch(None, lambda url: Download(b""))


def test_unknown_source_is_an_error_that_names_the_known() -> None:
    with pytest.raises(SourceError, match="huggingface, arxiv, feeds, sample"):
        get_source("myspace")
