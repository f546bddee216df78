import pytest

from digest.sources import Download, SourceError, get_source


def no_network(url: str) -> Download:
    raise AssertionError(url)


def test_sample_needs_no_network() -> None:
    answer = get_source("sample").fetch(None, no_network)

    assert answer.papers
    assert answer.problems == []
    assert len({paper.key for paper in answer.papers}) == len(answer.papers)


def test_sample_paper_is_found_by_its_title() -> None:
    body = b"""[{"key": "towels", "title": "Folding towels: how & why", "published": "2023-12-19",
    "num_authors": 5, "comments": null, "topics": ["robots"], "summary": "We fold."}]"""

    (paper,) = get_source("sample").parse(body).papers

    assert (paper.key, paper.num_authors, paper.comments) == ("sample:towels", 5, None)
    assert paper.url == (
        "https://arxiv.org/search/?searchtype=title&query=Folding+towels%3A+how+%26+why"
    )


@pytest.mark.parametrize("body", [b"", b"[{}]", b"[7]", b"{"])
def test_broken_sample_is_an_error(body: bytes) -> None:
    with pytest.raises(SourceError, match="install it again"):
        get_source("sample").parse(body)
