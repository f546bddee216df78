import pytest
from django.template import Context, Template

from digest.mail.templates import WireTemplate, markers
from digest.mail.wire import decoded, fragment


def encoded(**values: str) -> dict[str, bytes]:
    return {name: fragment(value) for name, value in values.items()}


def test_a_template_is_filled_wherever_its_slots_are() -> None:
    template = Template("<a href='{{ url }}'>{{ word }}</a> {{ url }}")
    wire_template = WireTemplate(template.render(Context(markers(["url", "word"]))))

    assert decoded(wire_template.fill(encoded(url="/u", word="Gö"))) == "<a href='/u'>Gö</a> /u"


def test_a_template_without_slots_is_its_text() -> None:
    assert decoded(WireTemplate("plain").fill({})) == "plain"


def test_a_value_that_looks_like_a_marker_makes_no_slot() -> None:
    (marker,) = markers(["word"]).values()
    wire_template = WireTemplate(f"[{marker}]")

    assert decoded(wire_template.fill(encoded(word=marker))) == f"[{marker}]"


def test_a_missing_value_is_an_error() -> None:
    wire_template = WireTemplate(markers(["word"])["word"])

    with pytest.raises(KeyError):
        wire_template.fill({})
