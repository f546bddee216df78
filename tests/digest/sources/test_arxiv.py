from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from digest.sources import Answer, Download, SourceError, SourcePaper
from digest.sources.arxiv import PAGE, Arxiv, is_at_arxiv

ATOM = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"
      xmlns:dc="http://purl.org/dc/elements/1.1/">
 <id>http://rss.arxiv.org/atom/cs.CL</id><title>cs.CL updates</title>{}</feed>"""
RSS = """<?xml version='1.0' encoding='UTF-8'?>
<rss version="2.0" xmlns:arxiv="http://arxiv.org/schemas/atom"
     xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>cs.CL updates</title>
 <skipDays><day>Sunday</day><day>Saturday</day></skipDays>{}</channel></rss>"""
API = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"
      xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
 <opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>
 <opensearch:totalResults>{total}</opensearch:totalResults>
 <opensearch:startIndex>{start}</opensearch:startIndex>{entries}</feed>"""


def announced(number: str = "2405.00001", kind: str = "new", title: str = "Folding towels") -> str:
    return f"""<entry><id>oai:arXiv.org:{number}v1</id><title>{title}</title>
 <updated>2024-05-27T04:00:00+00:00</updated>
 <link href="https://arxiv.org/abs/{number}" rel="alternate" type="text/html"/>
 <summary>arXiv:{number}v1 Announce Type: {kind} \nAbstract: We fold
 if $a&lt;b$.</summary>
 <category term="cs.CL"/><category term="cs.LG"/>
 <published>2024-05-27T00:00:00-04:00</published>
 <arxiv:announce_type>{kind}</arxiv:announce_type>
 <dc:creator>Ada Lovelace, Charles Babbage</dc:creator></entry>"""


def found(number: str = "2405.00001", comment: str = "12 pages") -> str:
    return f"""<entry><id>http://arxiv.org/abs/{number}v2</id><title>Folding
  towels</title><published>2024-05-24T17:34:15Z</published><updated>2024-05-26T00:00:00Z</updated>
 <summary>  We fold. </summary><author><name>Ada Lovelace</name></author>
 <author><name>Charles Babbage</name></author><arxiv:comment>{comment}</arxiv:comment>
 <link href="http://arxiv.org/abs/{number}v2" rel="alternate" type="text/html"/>
 <arxiv:primary_category term="cs.CL"/><category term="cs.CL"/></entry>"""


def page(*entries: str, total: int = 0, start: int = 0, size: int = PAGE) -> bytes:
    return API.format(
        entries="".join(entries), total=total or len(entries), start=start, size=size
    ).encode()


def read(body: str | bytes) -> Answer:
    return Arxiv(["cs.CL"]).parse(body.encode() if isinstance(body, str) else body)


def test_announced_paper_is_read() -> None:
    assert read(ATOM.format(announced())).papers == [
        SourcePaper(
            key="arxiv:2405.00001",
            title="Folding towels",
            url="https://arxiv.org/abs/2405.00001",
            abstract="We fold if a<b.",
            authors=("Ada Lovelace", "Charles Babbage"),
            num_authors=2,
            published_at=datetime(2024, 5, 27, 4, tzinfo=UTC),
            categories=("cs.CL", "cs.LG"),
        )
    ]


def test_rss_tells_the_same_as_atom() -> None:
    item = """<item><title>Folding towels</title><link>https://arxiv.org/abs/2405.00001</link>
 <description>arXiv:2405.00001v1 Announce Type: new \nAbstract: We fold if $a&lt;b$.</description>
 <guid isPermaLink="false">oai:arXiv.org:2405.00001v1</guid>
 <category>cs.CL</category><category>cs.LG</category>
 <pubDate>Mon, 27 May 2024 00:00:00 -0400</pubDate>
 <arxiv:announce_type>new</arxiv:announce_type>
 <dc:creator>Ada Lovelace, Charles Babbage</dc:creator></item>"""

    assert read(RSS.format(item)) == read(ATOM.format(announced()))


def test_new_versions_are_passed_over() -> None:
    kinds = ["new", "cross", "replace", "replace-cross"]
    entries = "".join(announced(f"2405.0000{n}", kind) for n, kind in enumerate(kinds))

    answer = read(ATOM.format(entries))

    assert [paper.key for paper in answer.papers] == ["arxiv:2405.00000", "arxiv:2405.00001"]
    assert (answer.problems, answer.entries) == ([], 4)


def test_holiday_is_an_answer_without_papers() -> None:
    assert read(ATOM.format("")) == Answer([], [], 0)


def test_found_paper_is_read() -> None:
    (paper,) = read(page(found())).papers

    assert (paper.key, paper.title, paper.abstract) == (
        "arxiv:2405.00001",
        "Folding towels",
        "We fold.",
    )
    assert paper.authors == ("Ada Lovelace", "Charles Babbage")
    assert paper.published_at == datetime(2024, 5, 24, 17, 34, 15, tzinfo=UTC)
    assert paper.categories == ("cs.CL",)


def test_withdrawn_paper_is_passed_over() -> None:
    assert read(page(found(comment="This paper has been withdrawn"))).papers == []


def test_latest_is_asked_of_the_feed() -> None:
    assert Arxiv(["cs.CL", "cs.LG"]).addresses(None) == ["https://rss.arxiv.org/atom/cs.CL+cs.LG"]


def test_day_is_asked_of_the_api() -> None:
    (address,) = Arxiv(["cs.CL", "cs.LG"]).addresses(date(2024, 5, 27))
    asked = parse_qs(urlsplit(address).query)

    assert address.startswith("https://export.arxiv.org/api/query?")
    assert asked["search_query"] == [
        "(cat:cs.CL OR cat:cs.LG) AND submittedDate:[202405270000 TO 202405272359]"
    ]
    assert (asked["start"], asked["max_results"]) == (["0"], ["2000"])


def test_day_is_asked_page_by_page() -> None:
    starts: list[int] = []

    def get(url: str) -> Download:
        start = int(parse_qs(urlsplit(url).query)["start"][0])
        starts.append(start)
        entries = [found(f"2405.{n:05}") for n in range(start, min(start + PAGE, PAGE + 3))]
        return Download(page(*entries, total=PAGE + 3, start=start))

    answer = Arxiv(["cs.CL"]).fetch(date(2024, 5, 27), get)

    assert starts == [0, PAGE]
    assert len({paper.key for paper in answer.papers}) == PAGE + 3


def test_empty_page_that_should_not_be_is_an_error() -> None:
    assert read(page(total=0)).papers == []

    with pytest.raises(SourceError, match="sent 0 papers on a page of 12"):
        read(page(total=12))


def test_error_of_the_api_is_an_error() -> None:
    entry = """<entry><id>http://arxiv.org/api/errors#x</id><title>Error</title>
 <summary>incorrect id format</summary></entry>"""

    with pytest.raises(SourceError, match="incorrect id format"):
        read(page(entry))


@pytest.mark.parametrize("body", ["", "Rate exceeded.", "<html><body/></html>", "{}"])
def test_answer_that_is_no_feed_is_an_error(body: str) -> None:
    with pytest.raises(SourceError):
        read(body)


def test_no_category_is_an_error() -> None:
    with pytest.raises(SourceError, match="ARXIV_CATEGORIES"):
        Arxiv([]).addresses(None)


def test_all_of_arxivs_hosts_are_its_own() -> None:
    hosts = ["rss.arxiv.org", "export.arxiv.org", "arxiv.org", "notarxiv.org", "arxiv.org.x.org"]

    assert [is_at_arxiv(f"https://{host}/x") for host in hosts] == [True, True, True, False, False]
