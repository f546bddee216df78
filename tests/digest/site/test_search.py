"""Finding papers by words and by author."""

from datetime import date
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from digest.models import Edition, Paper
from digest.papers.matching import match
from tests.digest.site.test_site import page, titles
from tests.factories import make_edition, make_paper

pytestmark = pytest.mark.django_db


@pytest.fixture
def _papers() -> None:
    """A small library."""
    library = {
        "Retrieval for language models": "We look things up.",
        "Diffusion transformers at scale": "Images from noise, with retrieval on the side.",
        "Robots that fold towels": "Hands and cloth.",
    }
    papers = [make_paper(title=title, abstract=text) for title, text in library.items()]
    make_edition(papers, day=date(2026, 11, 23))


def found(client: Client, text: str) -> list[str]:
    return titles(page(client, f"/search?q={quote(text)}"))


@pytest.mark.usefixtures("_papers")
def test_a_word_in_the_title_counts_more_than_one_in_the_abstract(client: Client) -> None:
    assert found(client, "retrieval") == [
        "Retrieval for language models",
        "Diffusion transformers at scale",
    ]


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("folding robot", "Robots that fold towels"),
        ('"fold towels"', "Robots that fold towels"),
        ("retrieval -image", "Retrieval for language models"),
        ("cloth OR banana", "Robots that fold towels"),
    ],
)
def test_words_are_found_in_any_form_and_as_phrases(client: Client, text: str, title: str) -> None:
    assert found(client, text) == [title]


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("retreival", "Retrieval for language models"),
        ("difusion transfomers", "Diffusion transformers at scale"),
        ("robbots", "Robots that fold towels"),
    ],
)
def test_a_misspelt_title_is_still_found(client: Client, text: str, title: str) -> None:
    html = page(client, f"/search?q={quote(text)}")

    assert "No paper contains all the words" in html
    assert titles(html) == [title]


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "text",
    ["zzzzqq", "\x00", "' OR 1=1 --", '"', "-", "&|!():*<->", "\\", "%", "🦜" * 300, "a" * 5000],
)
def test_any_query_gets_a_page(client: Client, text: str) -> None:
    assert found(client, text) == []


NAMES = {
    "Qwen2.5": "We use Qwen2.5-VL-7B.",
    "Llama 3": "Both LLaMA-3.1-8B and others.",
    "GPT 4": "Against GPT-4 (and people).",
    "GPT-4o": "GPT‑4o is asked.",
    "Phi-3.5": "With Phi 3.5, too.",
    "DeepSeek R1": "Like DeepSeek-R1.",
    "LoRA+": "LoRA+ learns faster.",
    "C++": "In C++, at last.",
    "C#": "A C# game.",
    "CO2": "Saves CO$_2$.",
    "3D-GS": "Fast 3DGS.",
    "Mixtral-8x7B": "Mixtral 8x7B, halved.",
    "o1": "As o1 does.",
    "π0": r"A robot with $\pi_0$.",
    "A*": "Better than A* search.",
    "β-VAE": r"A $\beta$-VAE.",
    "L1/L2": r"Of $\ell_1$/$\ell_2$ norms.",
    "H∞": r"By $H_\infty$ control.",
    "node.js": "On NodeJS.",
    ".NET": "On .NET, again.",
    "中国": "关于中国人的研究。",
    "機械学習": "深層機械学習の研究。",
    "의료": "의료에서 쓴다.",
}


@pytest.fixture
def _names() -> None:
    papers = [make_paper(title=f"{n}", abstract=text) for n, text in enumerate(NAMES.values())]
    others = [make_paper(title="others", abstract="GPT-3, Llama 2, Qwen 2, C, A, H2, 4 o and 1.")]
    make_edition([*papers, *others])


@pytest.mark.usefixtures("_names")
@pytest.mark.parametrize("text", NAMES)
def test_names_with_dots_signs_and_digits_are_found(client: Client, text: str) -> None:
    assert found(client, text) == [str(list(NAMES).index(text))]


def test_a_paper_is_found_by_its_new_title(client: Client) -> None:
    paper = make_paper(title="Old")
    make_edition([paper])
    assert found(client, "old") == ["Old"]

    paper.title = "New words, GPT-7"
    paper.save()
    assert found(client, "gpt 7") == ["New words, GPT-7"]

    Paper.objects.filter(pk=paper.pk).update(title="Newer words")
    match(list(Paper.objects.all()))
    assert found(client, "newer") == ["Newer words"]


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "text",
    [
        *("?", "%%%", "_" * 200, "中国", "1", "3.5", "🤗", "-", "a", "ab cd ef", "' or 1=1 --"),
        *("the model of language " * 10, '"of the" ' * 20, "a OR " * 40, "a-" * 100, "(" * 200),
        *("国" * 200, "x1" * 100, "'" * 200, "\\" * 200, "<-> & | ! :*", "é" * 200),
    ],
)
def test_titles_are_not_compared_where_no_index_helps(client: Client, text: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        page(client, f"/search?q={quote(text)}")
    assert not [one for one in queries if "word_similar" in one["sql"] or "%>" in one["sql"]]

    with CaptureQueriesContext(connection) as queries:
        page(client, "/search?q=retreival")
    assert [one for one in queries if "%>" in one["sql"]]


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "text", ["2405.15738", "arXiv:2405.15738v2", "https://arxiv.org/abs/2405.15738"]
)
def test_the_id_or_the_link_of_a_paper_finds_it(client: Client, text: str) -> None:
    paper = make_paper(key="arxiv:2405.15738", title="This one")
    edition = make_edition([paper], day=date(2026, 11, 22))
    assert found(client, text) == ["This one"]

    Edition.objects.filter(pk=edition.pk).update(closed_at=None)

    assert found(client, text) == []


def test_results_come_in_pages(client: Client) -> None:
    make_edition([make_paper(title=f"Robot number {number:02}") for number in range(22)])

    first = page(client, "/search?q=robot+number")
    second = page(client, "/search?q=robot+number&page=2")

    assert sorted(titles(first) + titles(second)) == [f"Robot number {n:02}" for n in range(22)]
    assert (len(titles(first)), len(titles(second))) == (20, 2)
    assert 'rel="next" href="?q=robot+number&amp;page=2"' in first


def test_the_form_keeps_the_query(client: Client) -> None:
    html = page(client, "/search?q=a%22b%3Cc")

    assert 'value="a&quot;b&lt;c"' in html
    assert '<meta name="robots" content="noindex">' in html


# --- authors -------------------------------------------------------------------------------
def by(*authors: str, title: str) -> Paper:
    return make_paper(title=title, authors=list(authors), abstract="About it.")


@pytest.fixture
def _authors() -> None:
    """Papers by people with similar names, and a paper about one of them."""
    papers = [
        by("Yann LeCun", "Bo Sample", title="Energy of models"),
        by("Jürgen Schmidhuber", title="Very deep memory"),
        by("Yann Sample", "Ada LeCun", title="Counting sheep"),
        by("Geoffrey E. Hinton", title="Capsules again"),
        by("Bo Sample", title="What Yann LeCun said of energy"),
    ]
    make_edition(papers, day=date(2026, 11, 23))


@pytest.mark.usefixtures("_authors")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yann lecun", ["Energy of models", "What Yann LeCun said of energy"]),
        ("Yann LECUN", ["Energy of models", "What Yann LeCun said of energy"]),
        ("lecun", ["Counting sheep", "Energy of models", "What Yann LeCun said of energy"]),
        ("jurgen schmidhuber", ["Very deep memory"]),
        ("Schmidhuber", ["Very deep memory"]),
        ("geoffrey hinton", ["Capsules again"]),
        ("Geoffrey E Hinton", ["Capsules again"]),
    ],
)
def test_papers_by_an_author_come_first(client: Client, text: str, expected: list[str]) -> None:
    listed = found(client, text)

    assert listed[: len(expected)] == expected


@pytest.mark.usefixtures("_authors")
@pytest.mark.parametrize(
    ("text", "title"),
    [("jurgen schmidhubber", "Very deep memory"), ("Geofrey Hinton", "Capsules again")],
)
def test_a_misspelt_name_is_still_found(client: Client, text: str, title: str) -> None:
    html = page(client, f"/search?q={quote(text)}")

    assert "No paper contains all the words" in html
    assert titles(html) == [title]


def test_papers_of_an_open_edition_are_not_found_by_author(client: Client) -> None:
    edition = make_edition([by("Yann LeCun", title="Not yet")])
    assert found(client, "lecun") == ["Not yet"]

    Edition.objects.filter(pk=edition.pk).update(closed_at=None)

    assert found(client, "lecun") == []


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("text", "queries"), [("lecun", 8), ("lecunn", 8)])
def test_a_search_takes_the_same_queries_for_any_number_of_papers(
    client: Client,
    number: int,
    text: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_edition([by("Yann LeCun", title=f"Energy {place}") for place in range(number)])

    with django_assert_num_queries(queries):
        assert len(found(client, text)) == number
