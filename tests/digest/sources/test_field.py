"""Feeds as journals, preprint servers and laboratories really write them."""

import pytest

from digest.sources import Answer, SourcePaper
from digest.sources.arxiv import Arxiv
from digest.sources.feed import Feeds
from tests.digest.sources.field import sent


def feed(name: str) -> Answer:
    return Feeds([]).parse(sent(f"feeds/{name}.xml"))


def arxiv(name: str) -> Answer:
    # Some entries are kept apart; the rest is a page of its own.
    body = sent(f"arxiv/{name}.xml").replace(b">15<", b">7<")
    return Arxiv(["cs.CL"]).parse(body)


def titles(papers: list[SourcePaper]) -> list[str]:
    return [paper.title for paper in papers]


def test_all_authors_in_one_element_are_told_apart() -> None:
    assert [paper.authors for paper in feed("creators").papers] == [
        ("Ada Lovelace", "Charles Babbage", "Mary Somerville"),
        ("A. Lovelace", "C. J. Babbage", "M. de la Cruz", "P. van der Berg"),
        ("Ada Lovelace", "Charles Babbage"),
        ("Ada Lovelace", "Charles Babbage", "Mary Somerville"),
        ("Ada Lovelace", "Charles Babbage"),
    ]


def test_abstract_behind_a_teaser_is_found() -> None:
    [paper] = feed("encoded").papers

    assert paper.abstract == "We show that towels fold at room temperature."


def test_name_of_a_character_does_not_cost_the_feed() -> None:
    assert titles(feed("entity").papers) == [
        "Towels that fold themselves at night",
        "A second and blameless paper of this feed",
    ]


def test_formulas_and_tags_of_publishers_become_text() -> None:
    papers = feed("mathml").papers

    assert [(paper.title, paper.abstract) for paper in papers] == [
        ("Measurement of B_c meson decays", "We find √2<x at last."),
        ("Bounds on H⁰ from lensing surveys", "First. Second."),
        ("DNA origami walkers that count to four", "We build walkers. x²"),
    ]


def test_formulas_and_paragraphs_do_not_run_together() -> None:
    decays, grown = feed("mail").papers[-2:]

    assert decays.title == "Decays of B_c mesons found by language models"
    assert decays.abstract == "We find x with a language model."
    assert grown.abstract == "First we fold. Then we unfold a language model."


def test_relative_link_is_resolved() -> None:
    [paper] = feed("relative").papers

    assert paper.url == "https://lab.example.org/papers/2026/one.html"


def test_xhtml_becomes_text() -> None:
    [paper] = feed("xhtml").papers

    assert paper.title == "On E. coli and CO2 in towels"
    assert paper.abstract == "Background Towels fold. They unfold too. one two"


def test_latex_of_a_feed_becomes_text() -> None:
    assert titles(feed("tex").papers) == [
        "Sub-shot-noise linen metrology by Schrödinger cats",
        "Searching weavings with ΛCDM and Hα emitters",
        "A WeaveBird toolkit for linen waves",
    ]


def test_two_versions_of_a_preprint_have_one_key() -> None:
    [first], [second] = feed("rsquare_v1").papers, feed("rsquare_v2").papers

    assert first.key == second.key == "doi:10.21203/rs.3.rs-700001"


def test_notices_are_no_papers() -> None:
    answer = feed("withdrawn")

    assert (answer.papers, answer.problems, answer.entries) == ([], [], 9)
    assert len(answer.withdrawn) == 7  # the others are corrections


@pytest.mark.parametrize("name", ["merge", "search", "noauthor", "twice_1", "twice_2"])
def test_every_entry_is_read(name: str) -> None:
    answer = feed(name)

    assert len(answer.papers) == answer.entries > 0


# --- arXiv ---------------------------------------------------------------------------------
def test_withdrawals_at_arxiv_are_understood() -> None:
    answer = arxiv("withdrawn")

    assert titles(answer.papers) == ["Language models that fold towel number 12"]
    assert len(answer.withdrawn) == 6


def test_only_what_is_new_at_arxiv_is_taken() -> None:
    answer = arxiv("arxiv_types")

    assert [paper.key[-5:] for paper in answer.papers] == ["00501", "00502", "00501"]
    assert answer.papers[0].abstract == "We fold. Abstract: not twice."
    assert answer.papers[0].authors == (
        "Jane Doe",
        "Łukasz van der Berg",
        "The ATLAS Collaboration",
    )


def test_holiday_at_arxiv_is_no_error() -> None:
    assert arxiv("arxiv_holiday") == Answer([], [], 0)
