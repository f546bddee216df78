"""Reading a reader's own library, and refusing files that are not one."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.readers.bibliography import MOST_BYTES, MOST_ENTRIES, Reference, Unreadable, read

TITLE = "Looking things up while writing"
KEY = "lookingthingsupwhilewriting"


def entry(**fields: str) -> str:
    inside = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@article{{key,\n{inside}}}\n"


def titled(*titles: str) -> tuple[Reference, ...]:
    return tuple(Reference((), (title,)) for title in titles)


# --- formats -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({"eprint": "2405.15738", "archiveprefix": "arXiv"}, ("arxiv:2405.15738",)),
        ({"url": "http://arxiv.org/abs/2405.15738v3"}, ("arxiv:2405.15738",)),
        ({"journal": "arXiv preprint arXiv:2405.15738"}, ("arxiv:2405.15738",)),
        ({"note": "arXiv:2405.15738 [cs]"}, ("arxiv:2405.15738",)),
        ({"doi": "10.48550/arXiv.2405.15738"}, ("arxiv:2405.15738",)),
        ({"doi": r"10.1000/A\_b", "eprint": "2405.15738"}, ("doi:10.1000/a_b", "arxiv:2405.15738")),
        ({"eprint": "12345", "number": "7"}, ()),
    ],
)
def test_ids_are_read_from_bibtex(fields: dict[str, str], keys: tuple[str, ...]) -> None:
    library = read(entry(title="Short", **fields).encode())

    assert (library.references, library.bad) == ((Reference(keys, ()),), 0)


def test_latex_and_braces_in_a_title_do_not_matter() -> None:
    text = entry(title=r"{L}ooking \emph{things} {\"u}p while {WRITING}")

    [found] = read(text.encode()).references

    assert found.title_keys[-1] == KEY


def test_a_short_title_does_not_identify_a_paper() -> None:
    assert read(entry(title="Editorial").encode()).references == (Reference((), ()),)


def test_csl_json_is_read() -> None:
    items = [{"title": f"<i>{TITLE}</i>", "DOI": "10.1000/X"}, {"title": TITLE, "URL": 7}, 8, {}]
    for said in (items, {"items": items}):
        library = read(json.dumps(said).encode())

        assert library.references == (Reference(("doi:10.1000/x",), (KEY,)), *titled(KEY))
        assert library.bad == 2


def test_ris_is_read() -> None:
    lines = ["TY  - JOUR", f"TI  - {TITLE}", "DO  - 10.1000/x", "UR  - https://a.example", "ER  - "]

    library = read("\r\n".join([*lines, "", "TY  - JOUR", f"T1  - {TITLE}", "ER  -"]).encode())

    assert library.references == (Reference(("doi:10.1000/x",), (KEY,)), *titled(KEY))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_the_encoding_does_not_matter(encoding: str) -> None:
    text = entry(title="Über das Nachschlagen beim Schreiben")

    assert read(text.encode(encoding)).references == titled("uberdasnachschlagenbeimschreiben")


def test_macros_months_and_other_declarations_do_no_harm() -> None:
    declared = '@string{x = "y"}\n@comment{Nothing, really}\n@preamble{"z"}\n'
    macros = "@misc(k, title = {" + TITLE + "}, month = jan, journal = x # y)"

    library = read(f"Some words first.\n{declared}{macros}".encode())

    assert (library.references, library.bad) == (titled(KEY), 0)


# --- broken input --------------------------------------------------------------------------
@pytest.mark.parametrize(
    "broken",
    [
        "@article{a, title = {never closed",
        "@article{a, title = {one}} }}}}",
        "@article{a, title}",
        "@article{a, title = " + "{" * 5000 + "}" * 5000 + "}",
        "@article{a, title = {" + "long " * 10_000 + "}}",
    ],
)
def test_a_broken_entry_does_not_affect_the_others(broken: str) -> None:
    whole = entry(title=TITLE)

    library = read(f"{whole}\n{broken}\n{whole}".encode())

    assert [found for found in library.references if found.title_keys] == [*titled(KEY, KEY)]
    assert len(library.references) + library.bad == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "It is empty."),
        (b"\xef\xbb\xbf \n", "It is empty."),
        (b"@article{a\x00, title={b}}", "This is not a text file."),
        (b"PK\x03\x04\x00\x00", "This is not a text file."),
        (b"%PDF-1.4 \xe2\xe3", "This is not BibTeX, CSL-JSON or RIS."),
        (b"<html>", "This is not BibTeX, CSL-JSON or RIS."),
        (b'[{"title": ', "This looks like CSL-JSON, but it is incomplete or broken."),
        (b"[" * 100_000, "This looks like CSL-JSON, but it is incomplete or broken."),
        (b"[" + b"9" * 5000 + b"]", "This looks like CSL-JSON, but it is incomplete or broken."),
        (b"[]", "This JSON does not contain a list of entries."),
        (b'{"title": 1}', "This JSON does not contain a list of entries."),
    ],
)
def test_content_that_is_not_a_library_is_refused_with_a_reason(content: bytes, said: str) -> None:
    with pytest.raises(Unreadable) as error:
        read(content)

    assert str(error.value) == said


def test_a_library_may_not_be_too_large() -> None:
    assert len(read(b"@misc{a, title={b}}" * MOST_ENTRIES).references) == MOST_ENTRIES

    with pytest.raises(Unreadable, match="more than 2000 entries"):
        read(b"@misc{a, title={b}}" * 10_000)
    with pytest.raises(Unreadable, match="larger than 1 MB"):
        read(b"x" * (MOST_BYTES + 1))


@pytest.mark.parametrize("block", ["a={b}," * 3000, " \n" * 9000])
def test_no_content_takes_more_than_seconds(block: str) -> None:
    content = (f"@article{{a, {block}\n" * 200).encode()[:MOST_BYTES]
    start = time.process_time()

    library = read(content)

    assert time.process_time() - start < 10
    assert library.bad > 10


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text('@article{},="# \n\\$_TY-ER[]:', max_size=300).map(str.encode),
        st.text(max_size=100).map(lambda text: f"@misc{{a, title={{{text}}}}}".encode()),
        st.text(max_size=100).map(lambda text: f"TY  - X\nTI  - {text}".encode()),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["title", "DOI"]), inner)
            ),
        ).map(lambda value: json.dumps([value]).encode()),
    )
)
def test_no_content_raises_another_error(content: bytes) -> None:
    with suppress(Unreadable):
        library = read(content)

        assert len(library.references) + library.bad > 0
