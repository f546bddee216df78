from typing import Any
from unicodedata import normalize

import pytest

from digest.models import EditionPaper, Paper
from digest.papers.cards import PaperCard, authors_line, describe


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
    """The card of an unsaved paper with these fields."""
    usual = {"pk": 7, "key": "arxiv:2601.00001", "title": "Title", "first_source": "arxiv"}
    paper = Paper(**{**usual, **fields})
    return describe(EditionPaper(paper=paper))


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


def test_a_paper_s_page_is_named_by_its_title() -> None:
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
