"""Followed and muted words and authors: what they match, in the digest, on pages and in search."""

from urllib.parse import quote

import pytest
from django.test import Client

from digest.choosing.keywords import TermIndex, holds
from digest.models import Edition
from digest.readers.mutes import muted_authors
from subscribers.models import Term
from subscribers.wishes import terms
from tests.digest.choosing.test_interests import composed_for, papers_of, words_of
from tests.digest.site.test_site import page, titles
from tests.factories import make_edition, make_paper, make_reader

pytestmark = pytest.mark.django_db

KEYWORD, AUTHOR = Term.Kind.KEYWORD, Term.Kind.AUTHOR
SIGNED = {
    "A*": "We extend A* search on grids.",
    "C++": "Rewritten in C++ for speed.",
    "C#": "A C#-based tool for games.",
    "CO2": "Less CO₂ for each token.",
    "β-VAE": "Parts are found by a β-VAE.",
    ".NET": "It runs on .NET as well.",
    "R": "An R package of statistics.",
    "node.js": "A server in Node.js.",
    "L1/L2": "With L1/L2 norms.",
    "H∞": "H∞ control of drones.",
    "F#": "Types in F# and OCaml.",
}
PLAIN = "A study of a vitamin, of the sea, and of c, f, h and co."


def edition_of(*abstracts: str) -> Edition:
    return make_edition([make_paper(abstract=text) for text in abstracts])


@pytest.mark.parametrize("word", SIGNED)
def test_a_muted_name_with_signs_bars_what_holds_it_and_nothing_else(word: str) -> None:
    reader = make_reader()
    terms.replace(reader, KEYWORD, followed=[], muted=terms.parse(word))
    edition = edition_of(*SIGNED.values(), "Just the sea.")

    (composed,) = composed_for(reader, edition=edition, length=20)

    assert sorted(papers_of(composed)) == sorted(
        {*SIGNED.values(), "Just the sea."} - {SIGNED[word]}
    )


@pytest.mark.parametrize("word", SIGNED)
def test_a_followed_name_with_signs_is_a_reason_where_it_is_held(word: str) -> None:
    reader = make_reader()
    terms.replace(reader, KEYWORD, followed=terms.parse(word), muted=[])

    (composed,) = composed_for(reader, edition=edition_of(*SIGNED.values()), length=20)

    by_text = dict(zip(papers_of(composed), words_of(composed), strict=True))
    assert [text for text, said in by_text.items() if said.startswith("You follow")] == [
        SIGNED[word]
    ]


def test_plurals_and_hyphens_make_no_difference() -> None:
    assert holds("Vision language models", "", "vision-language model")
    assert holds("", "A vision-language model", "vision language models")
    assert not holds("Vision", "language models", "vision-language model")


PRINTED = [
    "Jane Doe",
    "Łukasz Kaiser",
    "Søren Ødegård",
    "Pat O’Brien",
    "Ana Smith-Jones",
    "Ali Işık",
]


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("J. Doe", "Jane Doe"),
        ("Doe, Jane", "Jane Doe"),
        ("Doe", "Jane Doe"),
        ("Lukasz Kaiser", "Łukasz Kaiser"),
        ("Kaiser, Ł.", "Łukasz Kaiser"),
        ("Soren Odegard", "Søren Ødegård"),
        ("Pat O'Brien", "Pat O’Brien"),
        ("Smith-Jones", "Ana Smith-Jones"),
        ("ISIK", "Ali Işık"),
    ],
)
def test_following_muting_and_searching_agree_on_who_it_is(
    client: Client, typed: str, printed: str
) -> None:
    papers = [
        make_paper(title=f"By {name[0]}{place}", authors=[name])
        for place, name in enumerate(PRINTED)
    ]
    edition = make_edition(papers)
    theirs = papers[PRINTED.index(printed)]
    follower, muter = make_reader(), make_reader()
    terms.replace(follower, AUTHOR, followed=terms.parse_authors(typed), muted=[])
    terms.replace(muter, AUTHOR, followed=[], muted=terms.parse_authors(typed))

    followed, muted = composed_for(follower, muter, edition=edition, length=20)

    assert followed.paper_ids[0] == theirs.pk
    assert sum(code.startswith("author:") for code in followed.reasons) == 1
    assert {paper.pk for paper in papers} - set(muted.paper_ids) == {theirs.pk}
    assert muted_authors(muter, PRINTED) == {printed}
    assert titles(page(client, f"/search?q={quote(typed)}")) == [theirs.title]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("J. Doe", "By Jane Doe; you follow “J. Doe”"),
        ("Doe", "By Jane Doe; you follow “Doe”"),
        ("jane doe", "By jane doe, whom you follow"),
        ("Doe" + " x" * 3, ""),
    ],
)
def test_the_reason_shows_the_name_as_the_paper_prints_it(typed: str, said: str) -> None:
    reader = make_reader()
    terms.replace(reader, AUTHOR, followed=terms.parse_authors(typed), muted=[])
    edition = make_edition([make_paper(authors=["Bo Sample", "Jane Doe"])])

    (composed,) = composed_for(reader, edition=edition)

    assert said in words_of(composed)[0]


def test_a_reason_with_two_long_names_fits_its_column() -> None:
    typed = "Doe" + "o" * 74
    reader = make_reader()
    terms.replace(reader, AUTHOR, followed=[typed], muted=[])
    edition = make_edition([make_paper(authors=["Jane " + "Maria" * 20 + f" {typed}"])])

    (composed,) = composed_for(reader, edition=edition)

    assert composed.reasons[0].startswith("author:Jane")
    assert len(composed.reasons[0]) <= 120


def test_thousands_of_authors_and_terms_are_told_apart() -> None:
    papers = [make_paper(authors=[f"Jane Doe{n}" for n in range(4000)]), make_paper()]
    index = TermIndex(papers)

    assert index.places(AUTHOR, "j. doe3999") == {0}
    assert index.places(AUTHOR, "ada example") == {1}
    assert index.printed(0, "J. Doe17") == "Jane Doe17"
