import pytest
from django.template import Context, Template

from digest.slots import Form, markers


def test_a_form_is_filled_wherever_the_slot_stands() -> None:
    template = Template("<a href='{{ url }}'>{{ word }}</a> {{ url }}")
    form = Form(template.render(Context(markers(["url", "word"]))))

    assert form.fill({"url": "/u", "word": "Go"}) == "<a href='/u'>Go</a> /u"


def test_a_form_without_slots_is_its_text() -> None:
    assert Form("plain").fill({}) == "plain"


def test_a_value_that_looks_like_a_marker_opens_no_slot() -> None:
    (marker,) = markers(["word"]).values()
    form = Form(f"[{marker}]")

    assert form.fill({"word": marker}) == f"[{marker}]"


def test_a_missing_value_is_an_error() -> None:
    form = Form(markers(["word"])["word"])

    with pytest.raises(KeyError):
        form.fill({})
