"""deploy/SETTINGS.md is what `make settings` writes."""

import re

import pytest

from deploy.installing import reference


def test_the_reference_is_up_to_date() -> None:
    assert reference.TARGET.read_text() == reference.table(), "Run: make settings"


def test_it_has_every_variable_that_the_settings_read() -> None:
    shown = set(re.findall(r"^\| `(\w+)` ", reference.table(), re.MULTILINE))

    assert set(reference.reads()) - {"ANYMAIL_"} <= shown
    assert len(shown) > 90
    assert "example-only" not in reference.table()


@pytest.mark.parametrize(
    "row",
    [
        "| `SECRET_KEY` | **required** |  |",
        "| `SITE_NAME` | `Broadsheet` |  |",
        "| `SENDERS` | `2` | 1 to 1000 |",
        "| `DEBUG` | `0` | 0 or 1 |",
        "| `MAIL_PER_SECOND` | none; such as `50` |  |",
        "| `LOG_FORMAT` | `line` | line, json |",
    ],
)
def test_a_row_says_what_is_assumed_and_what_is_allowed(row: str) -> None:
    assert row in reference.table().splitlines()
