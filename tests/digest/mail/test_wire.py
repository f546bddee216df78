from email import policy
from email.parser import BytesParser
from quopri import decodestring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.wire import PreparedMessage, fragment, header

# A text in a mail may hold anything but lone surrogates and bare carriage returns.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=300)


def decoded(encoded: bytes) -> str:
    return decodestring(encoded).decode().replace("\r\n", "\n")


@given(st.lists(texts, max_size=6))
def test_fragments_in_a_row_decode_to_the_texts_in_a_row(pieces: list[str]) -> None:
    assert decoded(b"".join(map(fragment, pieces))) == "".join(pieces)


@given(st.lists(texts, max_size=6))
def test_no_line_of_fragments_is_longer_than_76(pieces: list[str]) -> None:
    lines = b"".join(map(fragment, pieces)).split(b"\r\n")

    assert max(map(len, lines)) <= 76
    assert all(b"\n" not in line and b"\r" not in line for line in lines)


@given(st.lists(st.text(". \nxé=", max_size=200), max_size=4))
def test_no_line_of_fragments_starts_with_a_dot(pieces: list[str]) -> None:
    encoded = b"".join(map(fragment, pieces))

    assert not any(line.startswith(b".") for line in encoded.split(b"\r\n"))
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert decoded(encoded) == "".join(pieces)


@pytest.mark.parametrize("length", range(70, 80))
@pytest.mark.parametrize("letter", ["x", "é", "="])
def test_a_fragment_of_any_length_may_be_followed_by_another(length: int, letter: str) -> None:
    encoded = fragment(letter * length) + fragment("next")

    assert decoded(encoded) == letter * length + "next"
    assert max(map(len, encoded.split(b"\r\n"))) <= 76


@given(texts.filter(lambda text: "\n" not in text))
def test_a_header_survives_encoding(value: str) -> None:
    shown = value.strip()
    raw = header("Subject", shown) + b"\r\nbody\r\n"

    parsed = BytesParser(policy=policy.compat32).parsebytes(raw)

    assert parsed.get_payload() == "body\r\n"
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("value", ["one\r\nBcc: x@y.example", "one\nBcc: x@y.example", "a\rb"])
def test_a_line_break_cannot_start_another_header(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        header("Subject", value)


RAW = b"Subject: One\r\nX-Mark: a\r\n\r\nBody\r\n"


def test_a_prepared_message_returns_its_bytes() -> None:
    assert PreparedMessage(RAW).as_bytes() == RAW
    assert PreparedMessage(RAW).as_bytes(linesep="\n") == RAW.replace(b"\r\n", b"\n")


def test_a_prepared_message_can_be_read() -> None:
    message = PreparedMessage(RAW)

    assert (message["Subject"], message.get_content_type()) == ("One", "text/plain")
    assert message.as_bytes() == RAW


def test_a_prepared_message_can_be_changed() -> None:
    message = PreparedMessage(RAW)

    del message["X-Mark"]
    message["X-Metadata"] = "b"

    assert message.as_bytes() == b"Subject: One\r\nX-Metadata: b\r\n\r\nBody\r\n"
