"""What reference managers export, with its lines wrapped and its keys as people write them."""

import time
from contextlib import suppress

import pytest

from digest.readers.bibliography import MOST_BYTES, Library, Unreadable, read
from tests.digest.sources.field import sent

LLAVA = "convllavahierarchicalbackbonesasvisualencoderforlargemultimodalmodels"
TITLE = "Looking things up while writing"
KEY = "lookingthingsupwhilewriting"


def titles(library: Library) -> list[str]:
    return [title for reference in library.references for title in reference.title_keys]


def keys(library: Library) -> list[str]:
    return [key for reference in library.references for key in reference.keys]


# --- the field -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name",
    ["crlf_ris.txt", "csl_one.txt", "enw.txt", "key_empty.txt", "key_space.txt", "nbib.txt"],
)
def test_export_of_one_paper_is_read(name: str) -> None:
    library = read(sent(f"library/{name}"))

    assert (titles(library), library.bad) == ([LLAVA], 0)
    assert set(keys(library)) <= {"arxiv:2405.15738"}


def test_ids_of_the_field_are_read() -> None:
    assert keys(read(sent("library/nbib.txt"))) == ["arxiv:2405.15738"]
    assert keys(read(sent("library/enw.txt"))) == ["arxiv:2405.15738"]
    assert keys(read(sent("library/links.txt"))) == ["arxiv:2405.15738", "arxiv:2502.13923"]


def test_no_entry_is_lost_to_its_key() -> None:
    library = read(sent("library/mendeley.bib"))

    assert library.bad == 0
    assert keys(library) == [
        "arxiv:2407.21783",
        "arxiv:2405.15738",
        "arxiv:2503.20215",
        "arxiv:2502.13923",
    ]


# --- others of these kinds -------------------------------------------------------------------
@pytest.mark.parametrize(
    "key",
    [
        *(
            "",
            " ",
            "a b c",
            "[1]",
            "{a}",
            "a@b#c",
            "10.1000/(x)",
            "a'b:c+d",
            "Müller 2020",
            "\n  k",
        ),
        "DBLP:conf/x/Y20",
    ],
)
@pytest.mark.parametrize(("opened", "closed"), ["{}", "()"])
def test_key_of_an_entry_does_not_matter(key: str, opened: str, closed: str) -> None:
    one = f"@article{opened}{key},\n title = {{{TITLE}}}\n{closed}\n"

    assert (titles(read((one * 2).encode())), read(one.encode()).bad) == ([KEY, KEY], 0)


def test_entry_without_a_key_is_read() -> None:
    assert titles(read(f"@article{{\n title = {{{TITLE}}} }}".encode())) == [KEY]


def test_subtitle_belongs_to_the_title_or_not() -> None:
    text = f"@book{{a, title = {{{TITLE}}}, subtitle = {{A guide}}}}"

    assert titles(read(text.encode())) == [f"{KEY}aguide", KEY]


@pytest.mark.parametrize("dash", ["  - ", " - ", "  -"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_wrapped_lines_of_ris_are_joined(dash: str, end: str) -> None:
    lines = [f"TY{dash}JOUR", f"T1{dash}Looking things", "up while", "  writing", f"ER{dash}"]

    assert titles(read(end.join(lines * 2).encode())) == [KEY, KEY]


def test_each_link_of_an_entry_counts() -> None:
    lines = ["TY  - JOUR", "UR  - https://a.example/1", "UR  - https://arxiv.org/abs/2405.15738"]

    assert keys(read("\n".join(lines).encode())) == ["arxiv:2405.15738"]


def test_records_of_pubmed_are_told_apart() -> None:
    title = "TI  - Looking things\n      up while writing."
    one = f"PMID- 1\n{title}\nLID - S1 [pii]\nAID - 10.1000/Y [doi]\n"

    library = read(f"{one}\n{one.replace('1000/Y', '1000/Z')}".encode())

    assert titles(library) == [KEY, KEY]
    assert keys(library) == ["doi:10.1000/y", "doi:10.1000/z"]


def test_records_of_endnote_are_told_apart() -> None:
    one = f"%0 Journal Article\n%A Lovelace, Ada\n%T {TITLE}\n%R 10.1000/y\n"

    library = read(f"{one}\n{one}".encode())

    assert (titles(library), keys(library)) == ([KEY, KEY], ["doi:10.1000/y"] * 2)


def test_pasted_links_and_ids_are_read() -> None:
    text = (
        "My papers: <https://arxiv.org/pdf/2405.15738v2>, 2502.13923\n"
        "* doi:10.1000/abc. and https://example.org/a?utm_source=x"
    )

    assert keys(read(text.encode())) == [
        "arxiv:2405.15738",
        "arxiv:2502.13923",
        "doi:10.1000/abc",
        "url:example.org/a",
    ]


# --- limits --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "content",
    [
        '[{"title":"' + "$\\\\frac{" * 100_000 + '"}]',
        "[" + ",".join(['{"title":"' + "\\\\sqrt[" * 60 + '"}'] * 1900) + "]",
        "[" * 900_000,
        "TY  - X\nTI  - " + "a " * 499_000,
        "TY  - X\n" * 125_000,
        "TY  - X\n" + "AA  - b\n" * 120_000,
        "@a{b," * 200_000,
        "@a{b, title={" + "{" * 400_000,
        ("@article{x y, title = {\\textcolor{" + "\\sqrt[" * 30 + "}}\n") * 4000,
        "10.1000/x " * 100_000,
        "http:// " * 120_000,
        "PMID- 1\n" + "  x\n" * 240_000,
        "%0 X\n" + "%T " * 300_000,
        "@ " * 480_000,
        "@a{" + " " * 900_000,
        "@article{a, title={" + "\\sqrt[" * 15 + "}}",
    ],
)
def test_no_library_takes_more_than_seconds(content: str) -> None:
    began = time.process_time()

    with suppress(Unreadable):
        read(content.encode()[:MOST_BYTES])

    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "content",
    [
        '{"status": "ok", "message": {"title": ["A Paper"], "DOI": "10.1000/abc"}}',
        '{"status": "ok", "message": {"items": [{"title": ["A Paper"], "DOI": "10.1000/abc"}]}}',
        "[A paper](https://doi.org/10.1000/abc)",
        "\ufeff\ufeff@article{a, title={A Paper}, doi={10.1000/abc}}",
    ],
)
def test_what_people_paste_instead_of_an_export_is_read(content: str) -> None:
    assert [reference.keys for reference in read(content.encode()).references] == [
        ("doi:10.1000/abc",)
    ]


def test_entities_in_a_title_are_characters() -> None:
    (reference,) = read(b'[{"title": "Salt &amp; <i>Pepper</i> in Deep Networks"}]').references
    assert reference.title_keys == ("saltpepperindeepnetworks",)
