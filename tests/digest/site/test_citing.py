"""References to papers, for reference managers and for people."""

import io
import json
from datetime import UTC, datetime

import pytest
from django.test import Client
from PIL import Image

from digest.models import Paper
from digest.readers import bibliography
from digest.site import citing
from tests.digest.site.test_site import page
from tests.factories import make_edition, make_paper

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper() -> Paper:
    made = make_paper(
        key="arxiv:2405.15738",
        title="Braces and signs",
        authors=["Ada Lovelace", "Jan van der Berg", "Müller and Sons", "Plato"],
        num_authors=5,
        url="https://arxiv.org/abs/2405.15738",
        published_at=datetime(2024, 5, 24, tzinfo=UTC),
    )
    make_edition([made])
    return made


def test_each_file_is_read_by_our_own_reader(client: Client, paper: Paper) -> None:
    for form in citing.FORMS:
        response = client.get(f"/papers/{paper.pk}/reference.{form}")

        [reference] = bibliography.read(response.content).references
        assert "arxiv:2405.15738" in reference.keys, form
        assert response.headers["Content-Disposition"].endswith(f'.{form}"')


def test_bibtex_escapes_what_tex_would_read(paper: Paper) -> None:
    paper.title = "100% of {braces} & C# at $5_each, ~a\\b^c"

    said = citing.bibtex([paper])

    assert said.startswith("@misc{lovelace2024braces,\n")
    assert "Ada Lovelace and Jan van der Berg and {Müller and Sons} and Plato and others" in said
    assert r"title = {{100\% of \{braces\} \& C\# at \$5\_each, \textasciitilde{}a" in said
    assert "eprint = {2405.15738}" in said
    assert "doi = {10.48550/arXiv.2405.15738}" in said
    assert "month = may\n" in said


def test_a_value_cannot_start_a_line_of_its_own(paper: Paper) -> None:
    paper.title, paper.authors = "One\nER  - \nTY  - BOOK", ["A\r\nB"]

    lines = citing.ris([paper]).split("\r\n")

    assert [line[:2] for line in lines].count("TY") == 1
    assert "TI  - One ER - TY - BOOK" in lines
    assert citing.bibtex([paper]).count("\n@") == 0


def test_two_papers_have_two_keys(paper: Paper) -> None:
    other = make_paper(title=paper.title, authors=paper.authors, published_at=paper.published_at)

    keys = [entry["id"] for entry in json.loads(citing.csl_json([paper, other]))]

    assert len(set(keys)) == 2


def test_the_page_says_how_to_cite(client: Client, paper: Paper) -> None:
    html = page(client, f"/papers/{paper.pk}/")

    assert "Jan van der Berg, Müller and Sons, Plato et al. (2024). Braces and signs. arXiv" in html
    assert "arXiv:2405.15738</p>" in html
    assert "@misc{lovelace2024braces," in html
    assert client.get("/papers/999999/reference.bib").status_code == 404


# --- a picture for links -------------------------------------------------------------------
LONG = "Unreasonably-long-" * 20


@pytest.mark.parametrize("title", ["Short", "A title of many words " * 12, LONG, "Dashes – & <b>"])
def test_a_paper_has_a_picture_that_fits(client: Client, title: str) -> None:
    paper = make_paper(title=title, authors=["Ada Lovelace", "دراسة"])
    make_edition([paper])
    assert f"/papers/{paper.pk}/card.jpg" in page(client, f"/papers/{paper.pk}/")

    response = client.get(f"/papers/{paper.pk}/card.jpg")

    assert response.headers["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(response.content)) as picture:
        assert picture.size == (1200, 630)
        beyond = picture.convert("L").crop((1136, 0, 1200, 630))
        assert min(beyond.tobytes()) > 230


@pytest.mark.parametrize("title", ["دراسة عن الروبوتات", "折り紙", "Robots 🤗", "Été"])
def test_a_title_without_letters_to_draw_has_the_general_picture(
    client: Client, title: str
) -> None:
    paper = make_paper(title=title)
    make_edition([paper])

    assert "/static/card.png" in page(client, f"/papers/{paper.pk}/")
    assert client.get(f"/papers/{paper.pk}/card.jpg").status_code == 200
