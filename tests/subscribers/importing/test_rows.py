"""Rows as people's spreadsheets and programs really write them."""

import codecs

import pytest

from subscribers.importing import entries, reading
from subscribers.models import Subscriber

from .conftest import NOON, Importing, states

TEXT = "email,name,status\nada@dest.example,Zoë Müller,active\nbo@dest.example,Bo,active\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_encodings_separators_and_endings(
    importing: Importing, separator: str, ending: str, encoding: str
) -> None:
    text = TEXT.replace(",", separator).replace("\n", ending)
    assert importing(text.encode(encoding)).counts == {"added": 2}
    assert set(states()) == {"ada@dest.example", "bo@dest.example"}


def test_utf_16_of_either_order_with_its_mark(importing: Importing) -> None:
    assert importing(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")).counts == {"added": 2}


@pytest.mark.parametrize(
    "content",
    [
        "email;status\nada@dest.example;active\n",
        "sep=;\r\nemail;status\r\nada@dest.example;active\r\n",
        "email\nada@dest.example",
        "ada@dest.example\n",
        '"email","status"\n"ada@dest.example",active\n',
        'email, "status"\nada@dest.example, "active"\n',
        "\n\nemail,status\n\nada@dest.example,active\n,\n  \n\n",
        'email,name\nada@dest.example,5" disk\n',
        "email,name,,\nada@dest.example\n",
        "\ufeffemail\nada@dest.example\n",
    ],
)
def test_shapes_of_a_file(importing: Importing, content: str) -> None:
    assert importing(content).counts == {"added": 1}
    assert states() == {"ada@dest.example": "active"}


@pytest.mark.parametrize(
    ("cell", "email"),
    [
        ("  Ada@Dest.Example ", "Ada@dest.example"),
        ('"Lovelace, Ada <ada@dest.example>"', "ada@dest.example"),
        ("<ada@dest.example>", "ada@dest.example"),
        ("mailto:ada@dest.example", "ada@dest.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("o'brien+news@dest.example", "o'brien+news@dest.example"),
        ("\u200bada@dest.example\xa0", "ada@dest.example"),
        ("'+ada@dest.example", "+ada@dest.example"),
    ],
)
def test_spellings_of_an_address(importing: Importing, cell: str, email: str) -> None:
    importing(f"email\n{cell}\n")
    assert states() == {email: "active"}


@pytest.mark.parametrize(
    ("cells", "judgement"),
    [
        ("nobody,x,active", "invalid"),
        ("a@dest.example b@dest.example,x,active", "invalid"),
        ("a\0@dest.example,x,active", "invalid"),
        ("ådä@dest.example,x,active", "invalid"),
        (",x,active", "no_address"),
        ("Doe, Jane,jane@dest.example,active", "ragged"),
        (f"a@dest.example,{'x' * 30_000},active", "too_long"),
        (",".join(["x"] * 600), "too_long"),
        ("a@dest.example", "nothing"),
        ("a@dest.example,x,perhaps", "unknown"),
    ],
)
def test_rows_that_are_left_out(importing: Importing, cells: str, judgement: str) -> None:
    """They cost no other row, and the report names them."""
    done = importing(f"email,name,status\n{cells}\nbo@dest.example,Bo,active\n")
    assert done.counts == {judgement: 1, "added": 1}
    assert done.rows[2][0] == "nothing"
    assert done.rows[3][0] == "add"
    assert set(states()) == {"bo@dest.example"}


@pytest.mark.parametrize("lines", [1, 3, 50])
def test_a_quote_that_is_not_closed_costs_its_own_row(importing: Importing, lines: int) -> None:
    rest = "".join(f"reader{number}@dest.example,x\n" for number in range(lines))
    done = importing(f'email,name\nada@dest.example,"Ada\n{rest}')
    assert done.counts == {"quote": 1, "added": lines}


def test_a_cell_of_several_lines_is_one_row(importing: Importing) -> None:
    done = importing('email,address\nada@dest.example,"1 High St\nPorto"\nbo@dest.example,\n')
    assert done.rows.keys() == {2, 3}


def test_row_numbers_are_those_of_a_spreadsheet(importing: Importing) -> None:
    done = importing("email\n\nnobody\n\nada@dest.example\n")
    assert done.rows == {3: ("nothing", "this is no address"), 5: ("add", "has consented")}


def test_one_address_twice_is_one_reader_by_the_row_that_forbids_most(importing: Importing) -> None:
    done = importing(
        "email,status\n"
        "ada@dest.example,active\nADA@dest.example,unsubscribed\nada@DEST.example,active\n"
        "bo@dest.example,active\nBo@dest.example,active\n"
    )
    assert done.counts == {"left": 1, "added": 1, "duplicate": 3}
    assert states() == {"ADA@dest.example": "unsubscribed", "bo@dest.example": "active"}


def test_preferences_that_do_not_exist_are_ignored_and_reported(importing: Importing) -> None:
    done = importing(
        "email,zone,hour,frequency,length,topics,confirmed_at\n"
        "ada@dest.example,Mars/Base,99,hourly,-1,no-such,yesterday\n"
        "bo@dest.example,Asia/Calcutta,6,weekly,5,,2024-05-05\n"
    )
    assert "ignored: zone, hour, frequency, length, topics" in done.report
    ada, bo = Subscriber.objects.order_by("email")
    assert (ada.zone, ada.hour, ada.frequency, ada.length) == ("Europe/Lisbon", 7, "daily", 10)
    assert (bo.zone, bo.hour, bo.frequency, bo.length) == ("Asia/Kolkata", 6, "weekly", 5)
    assert bo.confirmed_at is not None
    assert bo.confirmed_at.year == 2024


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "'x", "x", "", "''x"])
def test_harmless_cells_can_be_read_again(text: str) -> None:
    cell = reading.harmless(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert reading.plain(cell) == text


def test_rows_that_say_the_same_are_worked_out_once_and_long_ones_are_not_kept(db: None) -> None:
    places = {"email": 0, "keywords": 1, "state": 2}
    maker = entries.EntryMaker(places, 3, entries.Defaults(), NOON)
    same = [reading.Row(n, [f"a{n}@dest.example", "walrus", "active"]) for n in range(3)]
    long = [reading.Row(9, [f"a{n}@dest.example", "x" * 5000, "active"]) for n in range(3)]

    said = [maker.entry(row).said for row in (*same, *long)]

    assert said[0] is said[1] is said[2]
    assert len({*map(id, said)}) == 4
    assert [one["text"] for one in said[0].terms] == ["walrus"]
