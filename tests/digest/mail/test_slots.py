import pytest
from django.template import Context, Template

from digest.mail.slots import WireTemplate, markers
from digest.mail.wire import decoded, fragment


def encoded(**values: str) -> dict[str, bytes]:
    return {name: fragment(value) for name, value in values.items()}


def test_a_form_is_filled_wherever_the_slot_stands() -> None:
    template = Template("<a href='{{ url }}'>{{ word }}</a> {{ url }}")
    form = WireTemplate(template.render(Context(markers(["url", "word"]))))

    assert decoded(form.fill(encoded(url="/u", word="Gö"))) == "<a href='/u'>Gö</a> /u"


def test_a_form_without_slots_is_its_text() -> None:
    assert decoded(WireTemplate("plain").fill({})) == "plain"


def test_a_value_that_looks_like_a_marker_opens_no_slot() -> None:
    (marker,) = markers(["word"]).values()
    form = WireTemplate(f"[{marker}]")

    assert decoded(form.fill(encoded(word=marker))) == f"[{marker}]"


def test_a_missing_value_is_an_error() -> None:
    form = WireTemplate(markers(["word"])["word"])

    with pytest.raises(KeyError):
        form.fill({})


def test_the_pieces_around_a_slot_joined_by_its_value_are_the_whole() -> None:
    slots = markers(["token", "word"])
    form = WireTemplate(f"{slots['token']}/{slots['word']}?t={slots['token']}.")
    values = encoded(token="abc", word="déjà vu")

    pieces = form.around("token", {"word": values["word"]})

    assert len(pieces) == 3
    assert values["token"].join(pieces) == form.fill(values)
