"""What is one address, and what is none."""

import pytest
from pytest_django import Settings

from subscribers import addresses


def test_equal_addresses_have_one_canonical_form_and_one_hash() -> None:
    spellings = ["Reader@Dest.Example", "reader@dest.example", "READER@DEST.EXAMPLE"]

    assert {addresses.canonical(spelling) for spelling in spellings} == {"reader@dest.example"}
    assert len({addresses.hashed(spelling) for spelling in spellings}) == 1


def test_mail_goes_to_the_local_part_as_it_was_entered() -> None:
    assert addresses.parse("Ada.L+news@Dest.Example").deliver_to == "Ada.L+news@dest.example"


def test_an_international_domain_is_one_address_in_both_spellings() -> None:
    ascii_form = "reader@xn--bcher-kva.example"

    assert addresses.canonical("reader@Bücher.example") == ascii_form
    assert addresses.canonical("reader@bu\u0308cher.example") == ascii_form
    assert addresses.canonical(ascii_form) == ascii_form


def test_the_hash_depends_on_the_key(settings: Settings) -> None:
    before = addresses.hashed("reader@dest.example")
    settings.ADDRESS_KEY = "another-key-another-key-another-key"

    assert addresses.hashed("reader@dest.example") != before
    assert len(before) == 64


@pytest.mark.parametrize(
    "text",
    [
        "a@x.example\r\nBcc: e@x.example",
        "a@x.example\n",
        "a@x.example\x00",
        "a@x.example\u2028",
        '"a" <a@x.example>, b@y.example',
        "a@x.example, b@y.example",
        "A Name <a@x.example>",
        '"quoted"@x.example',
        "a@[192.0.2.1]",
        "a@localhost",
        "two@@x.example",
        "dots..dots@x.example",
        f"{'a' * 65}@x.example",
        f"a@{'b.' * 130}example",
        f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example",
        "\u202ea@x.example",
        "",
    ],
)
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    with pytest.raises(addresses.InvalidAddress):
        addresses.parse(text)


@pytest.mark.parametrize("text", ["jörg@x.example", "\uff41@x.example", "用户@x.example"])
def test_a_local_part_that_is_not_ascii_is_refused_in_clear_words(text: str) -> None:
    with pytest.raises(addresses.InvalidAddress, match="before the @-sign are not supported"):
        addresses.parse(text)
