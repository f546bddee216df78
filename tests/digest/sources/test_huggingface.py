import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from digest.sources import Answer, Download, NotYet, SourceError, SourcePaper
from digest.sources.huggingface import PAGE, HuggingFace


def entry(number: str = "2405.00001", **fields: Any) -> dict[str, Any]:
    """An entry of the API, with only the fields that it has had in all years."""
    paper = {
        "id": number,
        "title": "Folding towels",
        "summary": "We fold.",
        "authors": [{"_id": "1", "name": "Ada Lovelace", "hidden": False}],
        "publishedAt": "2024-05-24T17:34:15.000Z",
        "upvotes": 7,
    }
    return {"paper": paper | fields, "numComments": 2}


def read(*entries: Any) -> Answer:
    return HuggingFace().parse(json.dumps(entries).encode())


def only_paper(*entries: Any) -> SourcePaper:
    (paper,) = read(*entries).papers
    return paper


def test_entry_of_the_first_period_becomes_a_paper() -> None:
    assert only_paper(entry()) == SourcePaper(
        key="arxiv:2405.00001",
        title="Folding towels",
        url="https://arxiv.org/abs/2405.00001",
        abstract="We fold.",
        authors=("Ada Lovelace",),
        num_authors=1,
        published_at=datetime(2024, 5, 24, 17, 34, 15, tzinfo=UTC),
        votes=7,
        comments=2,
    )


def test_fields_of_later_periods_are_taken() -> None:
    paper = only_paper(
        entry(
            githubRepo="https://github.com/example/towels",
            projectPage="https://towels.example/",
            ai_keywords=["towels", "folding"],
            organization={"name": "towel-lab", "fullname": "The Towel Laboratory"},
        )
    )

    assert paper.code_url == "https://github.com/example/towels"
    assert paper.project_url == "https://towels.example/"
    assert paper.keywords == ("towels", "folding")
    assert paper.organization == "The Towel Laboratory"


def test_time_is_the_inner_one() -> None:
    relabelled = entry()
    relabelled["publishedAt"] = "2024-05-24T13:34:15.000Z"

    paper = only_paper(relabelled)

    assert paper.published_at == datetime(2024, 5, 24, 17, 34, 15, tzinfo=UTC)


def test_line_breaks_become_spaces_and_signs_stay() -> None:
    paper = only_paper(
        entry(title="Folding\n  towels if $a<b$", summary="We fold\nif <i> $x<y$.\n")
    )

    assert (paper.title, paper.abstract) == (
        "Folding towels if a<b",
        "We fold if <i> x<y.",
    )


def test_paper_of_664_authors_keeps_them_all() -> None:
    paper = only_paper(entry(authors=[{"name": f"Person {n}"} for n in range(664)]))

    assert (len(paper.authors), paper.num_authors) == (664, 664)


@pytest.mark.parametrize(
    "missing", ["summary", "authors", "publishedAt", "upvotes"], ids=lambda name: f"no {name}"
)
def test_missing_field_is_empty(missing: str) -> None:
    whole = entry()
    del whole["paper"][missing]

    paper = only_paper(whole)

    assert not {
        "summary": paper.abstract,
        "authors": paper.authors,
        "publishedAt": paper.published_at,
        "upvotes": paper.votes,
    }[missing]


def test_missing_figure_is_not_zero() -> None:
    whole = entry(upvotes=0)
    del whole["numComments"]

    paper = only_paper(whole)

    assert (paper.votes, paper.comments) == (0, None)


@pytest.mark.parametrize("figure", [-1, 2**40, True, "7", 7.5, None])
def test_invalid_figure_counts_as_missing(figure: object) -> None:
    assert only_paper(entry(upvotes=figure)).votes is None


@pytest.mark.parametrize(
    "fields",
    [
        {"authors": "Ada"},
        {"authors": [None, 7, {"name": None}]},
        {"githubRepo": "javascript:alert(1)", "projectPage": "javascript:alert(1)"},
        {"ai_keywords": {"a": 1}},
        {"organization": "text"},
        {"publishedAt": 7},
    ],
    ids=str,
)
def test_field_of_a_wrong_kind_does_not_spoil_the_paper(fields: dict[str, Any]) -> None:
    paper = only_paper(entry(**fields))

    assert (paper.title, paper.code_url, paper.project_url) == ("Folding towels", "", "")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (entry("2405.0001/../x"), "it has no arXiv id"),
        (entry(title=" \n "), "it has no title"),
        ({"paper": None}, "it has no arXiv id"),
        (7, "it has no arXiv id"),
    ],
)
def test_bad_entry_is_left_out_alone(bad: object, why: str) -> None:
    answer = read(entry(), bad)

    assert [paper.key for paper in answer.papers] == ["arxiv:2405.00001"]
    assert answer.problems == [f"Hugging Face: entry 2 was left out: {why}."]


def test_withdrawn_paper_is_passed_over() -> None:
    answer = read(entry(summary="This paper has been withdrawn by its author."))

    assert (answer.papers, answer.problems, answer.entries) == ([], [], 1)
    assert [paper.key for paper in answer.withdrawn] == ["arxiv:2405.00001"]


def test_weekend_is_an_answer_without_papers() -> None:
    assert HuggingFace().parse(b"[]") == Answer([], [], 0)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"7", b'{"error": "Not found"}', b"[" * 100_000, b"\xff\xfe"]
)
def test_answer_that_is_no_list_is_an_error(body: bytes) -> None:
    with pytest.raises(SourceError):
        HuggingFace().parse(body)


def test_changed_format_is_an_error_and_not_a_quiet_day() -> None:
    with pytest.raises(SourceError, match="None of the 2 entries"):
        read({"work": {}}, {"work": {}})


def test_day_is_asked_page_by_page() -> None:
    asked: list[str] = []
    pages = [[entry(f"2405.{n:05}") for n in range(PAGE)], [entry("2405.99999")]]

    def get(url: str) -> Download:
        asked.append(url)
        return Download(json.dumps(pages[len(asked) - 1]).encode())

    answer = HuggingFace().fetch(date(2024, 5, 27), get)

    assert len(answer.papers) == PAGE + 1
    assert asked == [
        f"https://huggingface.co/api/daily_papers?date=2024-05-27&p={page}&limit={PAGE}"
        for page in (0, 1)
    ]


def test_list_that_lacks_a_page_is_an_error() -> None:
    def get(url: str) -> Download:
        if "p=1" in url:
            raise SourceError("down")
        return Download(json.dumps([entry(f"2405.{n:05}") for n in range(PAGE)]).encode())

    with pytest.raises(SourceError, match="down"):
        HuggingFace().fetch(date(2024, 5, 27), get)


def test_day_that_is_not_open_says_so() -> None:
    def get(url: str) -> Download:
        raise SourceError("answered 400 Bad Request", status=400)

    with pytest.raises(NotYet, match="no list for that day yet"):
        HuggingFace().fetch(date(2024, 5, 27), get)


def test_a_machines_summary_and_a_thumbnail_are_taken() -> None:
    new = entry(ai_summary="It folds $n$ towels.", ai_summary_model="lab/small")
    new["thumbnail"] = "https://thumbs.example/2405.15738.png"
    older = entry(ai_summary="It folds.")
    older["mediaUrl"] = "https://media.example/towels.mp4"

    papers = [only_paper(one) for one in (new, older, entry(ai_summary=7))]

    assert [(one.summary, one.summary_by, one.thumbnail_url) for one in papers] == [
        ("It folds n towels.", "lab/small", "https://thumbs.example/2405.15738.png"),
        ("It folds.", "Hugging Face", ""),
        ("", "", ""),
    ]
