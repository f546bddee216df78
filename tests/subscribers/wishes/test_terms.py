"""Followed and muted keywords and authors: how they are stored and compared."""

import pytest

from subscribers.models import Subscriber, Term
from subscribers.wishes import terms
from subscribers.wishes.terms import InvalidTerms

AUTHOR, KEYWORD = Term.Kind.AUTHOR, Term.Kind.KEYWORD


def kept(reader: Subscriber) -> list[tuple[str, str, bool]]:
    return list(reader.terms.order_by("pk").values_list("kind", "text", "is_muted"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Diffusion", "diffusion"),
        ("  graph \t neural   nets ", "graph neural nets"),
        ("Jürgen Schmidhuber", "jurgen schmidhuber"),
        ("J\u0075\u0308rgen", "jurgen"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Łukasz", "łukasz"),
        ("山田太郎", "山田太郎"),
        ("Ｗｉｄｅ", "wide"),
    ],
)
def test_a_term_is_compared_without_case_accents_and_spaces(text: str, key: str) -> None:
    assert terms.key(text) == key


def test_each_line_is_a_term_once_in_the_first_spelling() -> None:
    assert terms.parse("RLHF\r\n\n  Graph   nets\nrlhf\nGRAPH NETS\n") == ["RLHF", "Graph nets"]


def test_a_name_with_the_family_first_is_turned_round() -> None:
    lines = "Lovelace, Ada\nAda Lovelace\nHopper\nA, B, C"

    assert terms.parse_authors(lines) == ["Ada Lovelace", "Hopper", "A, B, C"]


@pytest.mark.parametrize("hidden", ["\u202egnirts", "a\u2066b", "x\u0000y", "\ufeffstart"])
def test_marks_that_turn_text_round_are_left_out(hidden: str) -> None:
    (text,) = terms.parse(hidden)

    assert text.isalnum()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("x" * 81, "is too long"),
        ("fine\n***", "contains no letters or numbers"),
        ("\n".join(f"word {number}" for number in range(51)), "at most 50 lines"),
    ],
)
def test_invalid_terms_are_explained(lines: str, words: str) -> None:
    assert terms.parse("\n".join(f"word {number}" for number in range(50)))

    with pytest.raises(InvalidTerms, match=words):
        terms.parse(lines)


@pytest.mark.parametrize(
    "lines",
    ["C++", "C#", "A*", "CO2", "β-VAE", ".NET", "F#", "R", "node.js", "L1/L2", "H∞", "🤗 hub"],
)
def test_names_with_signs_are_keywords(lines: str) -> None:
    assert terms.parse(lines) == [lines]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("fine\n🤗", "“🤗” contains no letters or numbers"),
        ("?!", "contains no letters or numbers"),
        ("the", "“the” is in nearly every paper"),
        ("of the", "is in nearly every paper"),
        ("A", "is in nearly every paper"),
    ],
)
def test_a_keyword_that_no_paper_or_every_paper_has_is_refused(lines: str, words: str) -> None:
    with pytest.raises(InvalidTerms, match=words):
        terms.parse(lines)


@pytest.mark.parametrize("lines", ["J.", "Ada Lovelace\n🤗", "--", "x" * 3 + " y" * 9])
def test_what_can_be_no_name_is_refused(lines: str) -> None:
    with pytest.raises(InvalidTerms, match="is not a name"):
        terms.parse_authors(lines)


def test_terms_that_stand_for_the_same_papers_are_the_same() -> None:
    assert terms.is_same(KEYWORD, "vision-language models", "Vision Language Model")
    assert not terms.is_same(KEYWORD, "C", "C++")
    assert terms.is_same(AUTHOR, "Łukasz Kaiser", "lukasz kaiser")
    assert not terms.is_same(AUTHOR, "J. Doe", "Jane Doe")


@pytest.mark.django_db
def test_replacing_leaves_the_other_kind_and_other_readers_alone(reader: Subscriber) -> None:
    other = Subscriber.objects.create(email="o@dest.example", address_hash="x" * 64)
    for somebody in (reader, other):
        terms.replace(somebody, AUTHOR, followed=["Ada"], muted=["Bo"])
    terms.replace(reader, KEYWORD, followed=["graphs"], muted=[])

    terms.replace(reader, AUTHOR, followed=["BO"], muted=[])

    assert sorted(kept(reader)) == [(AUTHOR, "BO", False), (KEYWORD, "graphs", False)]
    assert kept(other) == [(AUTHOR, "Ada", False), (AUTHOR, "Bo", True)]


@pytest.mark.django_db
def test_an_author_is_muted_and_unmuted_from_elsewhere(reader: Subscriber) -> None:
    terms.replace(reader, AUTHOR, followed=["Ada Lovelace"], muted=[])

    terms.mute_author(reader, "Ada LOVELACE")
    terms.mute_author(reader, "Ada LOVELACE")
    assert kept(reader) == [(AUTHOR, "Ada LOVELACE", True)]

    terms.unmute_author(reader, "ada lovelace")
    assert kept(reader) == []


@pytest.mark.django_db
def test_whatever_mutes_an_author_is_undone(reader: Subscriber) -> None:
    terms.replace(reader, AUTHOR, followed=["A. Lovelace"], muted=["Lovelace", "B. Doe", "A. Lov"])

    terms.unmute_author(reader, "Ada Lovelace")

    assert kept(reader) == [
        (AUTHOR, "A. Lovelace", False),
        (AUTHOR, "B. Doe", True),
        (AUTHOR, "A. Lov", True),
    ]


@pytest.mark.django_db
def test_the_longest_line_fits(reader: Subscriber) -> None:
    widest = "ﷺ" * terms.LONGEST  # one letter that becomes eighteen

    terms.replace(reader, KEYWORD, followed=terms.parse(widest), muted=[])

    assert len(reader.terms.get().key) == terms.LONGEST
