from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize

import pytest
from django.utils.translation import override

from digest.models import EditionPaper, Paper
from digest.papers.cards import PaperCard, authors_line, describe
from digest.sources.text import ABSTRACT_LENGTH, TITLE_LENGTH, presentable


@pytest.mark.parametrize(
    ("authors", "number", "line"),
    [
        ([], 0, ""),
        ([], 1, "1 author"),
        ([], 6, "6 authors"),
        (["Ada"], 1, "Ada"),
        (["Ada", "Bo"], 2, "Ada and Bo"),
        (["Ada", "Bo", "Cy"], 3, "Ada, Bo and Cy"),
        (["Ada", "Bo", "Cy", "Di"], 4, "Ada, Bo, Cy and 1 other"),
        (["Ada", "Bo", "Cy"], 664, "Ada, Bo, Cy and 661 others"),
    ],
)
def test_authors_are_named_first_and_then_counted(
    authors: list[str], number: int, line: str
) -> None:
    assert authors_line(authors[:3], number) == line


def described(**fields: Any) -> PaperCard:
    """The card of an unsaved paper with these fields, its texts as intake keeps them."""
    usual = {"pk": 7, "key": "arxiv:2601.00001", "title": "Title", "first_source": "arxiv"}
    said = {"abstract": "", "source_title": "", **usual, **fields}
    said["title"] = presentable(said["title"], TITLE_LENGTH)
    said["abstract"] = presentable(said["abstract"], ABSTRACT_LENGTH)
    return describe(EditionPaper(paper=Paper(**said)))


def test_each_name_stands_apart_whichever_way_it_is_written() -> None:
    card = described(authors=["דוד לוי", "王小明", "<b>Bo</b>", "Cy"], num_authors=4)

    assert card.authors_html == (
        "<bdi>דוד לוי</bdi>, <bdi>王小明</bdi>, <bdi>&lt;b&gt;Bo&lt;/b&gt;</bdi> and 1 other"
    )
    assert card.authors_line == "דוד לוי, 王小明, <b>Bo</b> and 1 other"


OVERRIDE, ISOLATE, SPACELESS = "\u202e", "\u2066", "\u200b"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        (f"Safe{OVERRIDE}fdp.exe{ISOLATE}", "Safefdp.exe"),
        (SPACELESS * 300 + "Seen", "Seen"),
        ("Z" + "\N{COMBINING GRAVE ACCENT}" * 500 + "algo", "Z̀̀̀̀algo"),
        ("بحث جديد عن الأسئلة القديمة", "بحث جديد عن الأسئلة القديمة"),
        ("大型语言模型的检索", "大型语言模型的检索"),
        (SPACELESS, "arxiv:2601.00001"),
    ],
)
def test_a_title_is_shown_without_what_nobody_sees(title: str, shown: str) -> None:
    assert normalize("NFC", described(title=title).title) == normalize("NFC", shown)


def test_a_long_title_is_cut_between_characters() -> None:
    title = described(title="👩\u200d👩\u200d👧" * 100).title

    assert title == "👩\u200d👩\u200d👧" * 59 + "…"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", ""])
def test_only_web_addresses_become_links(url: str) -> None:
    assert described(url="https://arxiv.org/abs/1").url == "https://arxiv.org/abs/1"

    card = described(url=url, code_url=url)

    assert (card.url, card.code_url) == ("", "")


def test_a_look_alike_host_is_shown_as_what_it_is() -> None:
    assert described(url="https://аrxiv.org/abs/1").url == "https://xn--rxiv-43d.org/abs/1"


def test_the_address_of_a_papers_page_has_its_title() -> None:
    page = described(title="Small models, long contracts").page_url

    assert page == "https://news.example.org/papers/7/small-models-long-contracts"
    assert described(title="大型语言模型").page_url.endswith("/papers/7/paper")
    assert described(title="a-word " * 20).page_url.endswith("/papers/7/" + "a-word-" * 8 + "a")


def test_a_summary_is_two_or_three_sentences() -> None:
    first = "We read long contracts, and find the few clauses that matter to a question."
    second = "Does it help? It does: a small model answers as well as one thirty times its size."
    abstract = f"{first} {second} We give the code away. " + "More of the same. " * 200

    assert described(abstract=abstract).summary == f"{first} {second}"


def test_latex_is_read_as_its_reader_would() -> None:
    card = described(
        title=r"An $n^{2}$ bound for \textbf{all} of us at $5 and $10",
        abstract=r"We tune $\alpha$. It holds for \emph{all} cases.",
    )

    assert card.title == "An n² bound for all of us at $5 and $10"
    assert card.summary == "We tune α. It holds for all cases."


def test_the_meta_line_holds_what_is_known() -> None:
    paper = Paper(
        pk=7,
        key="arxiv:2601.00001",
        title="Title",
        first_source="arxiv",
        source_title="",
        authors=["<b>Bo</b>"],
        num_authors=1,
        organization="R&D",
        published_at=datetime(2026, 11, 3, 12, tzinfo=UTC),
    )
    card = describe(EditionPaper(paper=paper, votes=1, comments=1234))

    assert card.meta_line == "R&D, arXiv, 3 November 2026, 1 vote, 1234 comments"
    assert card.origin_html == "<bdi>R&amp;D</bdi>&nbsp;· arXiv&nbsp;· 3 November 2026"
    assert card.short_meta_html == (
        f"<bdi>&lt;b&gt;Bo&lt;/b&gt;</bdi><br>{card.origin_html}&nbsp;· 1 vote"
    )
    assert card.meta_html == f"{card.short_meta_html}&nbsp;· 1234 comments"


def test_a_meta_line_of_which_little_is_known_has_no_gaps() -> None:
    card = described()

    assert (card.meta_line, card.meta_html, card.origin_html) == ("arXiv", "arXiv", "arXiv")


def test_the_meta_line_is_in_the_readers_language() -> None:
    paper = Paper(
        pk=7,
        title="Title",
        first_source="arxiv",
        source_title="",
        published_at=datetime(2026, 3, 5, tzinfo=UTC),
    )

    with override("de"):
        card = describe(EditionPaper(paper=paper, votes=2, comments=1))
        assert card.meta_line == "arXiv, 5. März 2026, 2 Stimmen, 1 Kommentar"


def test_a_feeds_paper_is_shown_as_from_that_feed() -> None:
    assert described(first_source="feeds", source_title="Journal of Towels").source_name == (
        "Journal of Towels"
    )
    assert described(first_source="huggingface").source_name == "Hugging Face Daily Papers"
    assert described(first_source="feeds").source_name == "Feed"
