"""Which texts are the same address, and which are not an address at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
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


@pytest.mark.parametrize(
    ("lookalike", "ascii_form"),
    [
        ("reader@gm\u0430il.com", "reader@xn--gmil-63d.com"),  # a Cyrillic a
        ("reader@\u0440\u0430y\u0440al.com", "reader@xn--yal-5cd3fc.com"),
        ("reader@stra\u00dfe.example", "reader@xn--strae-oqa.example"),
    ],
)
def test_a_domain_that_looks_like_another_is_another(lookalike: str, ascii_form: str) -> None:
    assert addresses.canonical(lookalike) == ascii_form


def test_full_width_letters_are_the_same_domain() -> None:
    assert addresses.canonical("reader@\uff47\uff4d\uff41\uff49\uff4c.com") == "reader@gmail.com"
    assert addresses.canonical("reader@dest\u3002example") == "reader@dest.example"


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
def test_anything_but_a_plain_address_is_refused(text: str) -> None:
    with pytest.raises(addresses.InvalidAddress):
        addresses.parse(text)


@pytest.mark.parametrize("text", ["jörg@x.example", "\uff41@x.example", "用户@x.example"])
def test_a_local_part_that_is_not_ascii_is_refused_with_a_clear_message(text: str) -> None:
    with pytest.raises(addresses.InvalidAddress, match="letters before the @ yet"):
        addresses.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reader", "needs an @"),
        ("a@x.example, b@x.example", "one address only"),
        ("Ada <a@x.example>", "one address only"),
        ("a@localhost", "look like example.org"),
        (f"a@{'b.' * 130}example", "too long for an email address"),
        ("a@x..example", "check it for typos"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(addresses.InvalidAddress, match=words):
        addresses.parse(text)


@pytest.mark.parametrize(
    ("entered", "meant"),
    [
        ("Ada@gmial.com", "Ada@gmail.com"),
        ("ada@gmail.con", "ada@gmail.com"),
        ("ada@gnail.com", "ada@gmail.com"),
        ("ada+x@hotmial.com", "ada+x@hotmail.com"),
        ("ada@outlok.com", "ada@outlook.com"),
        ("ada@yaho.com", "ada@yahoo.com"),
        ("ada@gmx.dee", "ada@gmx.de"),
        ("ada@iclould.com", "ada@icloud.com"),
    ],
)
def test_a_typo_in_a_common_domain_is_found(entered: str, meant: str) -> None:
    found = addresses.better_spelled(addresses.parse(entered))

    assert found is not None
    assert found.deliver_to == meant


@pytest.mark.parametrize(
    "entered",
    [
        "ada@gmail.com",
        "ada@mail.com",
        "ada@ymail.com",
        "ada@gmail.de",
        "ada@hotmail.de",
        "ada@gmx.at",
        "ada@example.org",
        "ada@mit.edu",
        "ada@xn--bcher-kva.example",
    ],
)
def test_a_domain_without_a_typo_is_not_asked_about(entered: str) -> None:
    assert addresses.better_spelled(addresses.parse(entered)) is None


def test_spellings_that_reach_one_mailbox_share_an_abuse_key() -> None:
    one = ["ada.l@gmail.com", "adal+news@gmail.com", "A.d.a.L@googlemail.com"]
    others = ["adal@dest.example", "ada.l@dest.example", "ada@gmail.com"]

    assert len({addresses.abuse_key(spelling) for spelling in one}) == 1
    assert len({addresses.abuse_key(spelling) for spelling in others}) == 3
    assert addresses.abuse_key("x+1@dest.example") == addresses.abuse_key("X@dest.example")


@pytest.mark.parametrize(
    "one",
    [
        ["ada.l@proton.me", "adal@protonmail.com", "a-d_a.l+x@pm.me", "AdaL@protonmail.ch"],
        ["ada.l@yandex.ru", "ada-l@ya.ru", "Ada-L+x@yandex.com", "ada.l@yandex.com.tr"],
        ["ada.l@icloud.com", "ada.l@me.com", "ADA.L+x@mac.com"],
        ["ada.l@yahoo.com", "ada.l-news@yahoo.com", "ada.l+x@yahoo.com"],
        ["ada@fastmail.com", "news@ada.fastmail.com", "ada+x@fastmail.com"],
    ],
)
def test_the_domains_and_spellings_of_one_provider_share_an_abuse_key(one: list[str]) -> None:
    assert len({addresses.abuse_key(spelling) for spelling in one}) == 1


@pytest.mark.parametrize(
    "others",
    [
        ["ada@outlook.com", "ada@hotmail.com", "ada@live.com"],
        ["ada.l@outlook.com", "adal@outlook.com"],
        ["ada.l@icloud.com", "adal@icloud.com"],
        ["ada-l@dest.example", "ada@dest.example"],
        ["ada@yahoo.com", "ada@yahoo.co.uk"],
        ["ada@fastmail.com", "ada@fastmail.fm"],
        ["ada@ada.dest.example", "ada@dest.example"],
        ["-@yahoo.com", "--@yahoo.com"],
    ],
)
def test_what_may_be_another_person_has_another_abuse_key(others: list[str]) -> None:
    assert len({addresses.abuse_key(spelling) for spelling in others}) == len(others)


def test_an_abuse_key_differs_from_the_address_hash() -> None:
    assert addresses.abuse_key("ada@dest.example") != addresses.hashed("ada@dest.example")


@given(
    st.lists(
        st.builds(
            "{}@{}".format,
            st.one_of(
                st.text("aB9._+-'=é\0 ", max_size=8),
                st.text("ab", min_size=60, max_size=70),
            ),
            st.sampled_from(
                [
                    *("dest.example", "DEST.example", "bücher.example", "a..b", "-a.example", "x"),
                    *("a." * 90 + "example", "xn--bcher-kva.example", "dest.example ", ""),
                ]
            ),
        ),
        max_size=12,
    )
)
def test_a_parser_of_many_says_what_parse_says(texts: list[str]) -> None:
    parser = addresses.Parser()
    for text in texts * 2:
        try:
            expected = addresses.parse(text)
        except addresses.InvalidAddress:
            with pytest.raises(addresses.InvalidAddress):
                parser.parse(text)
        else:
            assert parser.parse(text) == expected
