import pytest

from digest.cards import authors_line, shorten
from digest.models import Paper


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
    assert authors_line(Paper(authors=authors, num_authors=number)) == line


def test_a_short_text_stays_whole() -> None:
    assert shorten("Short.", 10) == "Short."


def test_a_long_text_ends_with_a_sentence_if_one_ends_late_enough() -> None:
    assert shorten("We count to nine here. Then we go on.", 30) == "We count to nine here."


def test_a_long_text_without_such_a_sentence_ends_with_a_word() -> None:
    assert shorten("One. Two and then, three more words", 20) == "One. Two and then…"
