"""Can I email: what Gmail, Outlook, Apple Mail and Yahoo cannot show of our mails.

Its data says which mail programs lack which features of HTML and CSS. The features that we use
nevertheless are listed below, with the reason why nothing is lost.
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.contract import html_of, parsed
from tests.judges import installed
from tests.judges.everything import every_mail

pytestmark = pytest.mark.django_db

# Features that some programs lack, as Can I email calls them, by the reason why we use them.
ACCEPTED = {
    "The wide, light layout is in the elements themselves; only phones and dark mode need these.": {
        "@media",
        "<style> element",
        "color-scheme meta tag",
    },
    "They hide the preview line. Word's engine obeys mso-hide; Gmail's mobile site shows it.": {
        "display:none",
        "max-height property",
        "overflow",
    },
    "Programs that do not know it still show its text.": {"<bdi> element"},
    "Without them very long words widen the column, or a pair of words is broken.": {
        "overflow-wrap",
        "table-layout",
        "white-space",
    },
    "The next font in the list is used.": {
        "system-ui, ui-serif, ui-sans-serif, ui-rounded, ui-monospace"
    },
    "Without it a screen reader announces a table or an article as such.": {"role attribute"},
    "Without it the button has square corners.": {"border-radius"},
    "The outermost table has the same colours.": {"<body> element"},
}


def lacking_in(html: str) -> dict[str, list[str]]:
    """The features of this mail that some programs lack, and which programs those are."""
    node = installed("bin/node")
    module = Path(installed("node_modules/caniemail/dist/index.js"))
    script = str(Path(__file__).with_name("can_i_email.mjs"))
    command = [node, script, module.as_uri()]
    run = subprocess.run(command, input=html.encode(), capture_output=True, check=True)
    lacking: dict[str, list[str]] = json.loads(run.stdout)
    return lacking


def test_missing_features_are_found() -> None:
    lacking = lacking_in('<p style="display: grid">text</p>')

    assert list(lacking) == ["display:grid"]
    assert "gmail.ios" not in lacking["display:grid"]
    assert "outlook.windows" in lacking["display:grid"]


def test_mails_need_nothing_that_a_large_mail_program_lacks() -> None:
    lacking: set[str] = set()
    for raw in every_mail().values():
        lacking |= set(lacking_in(html_of(parsed(raw))))

    # An accepted feature that is no longer used must be removed from the list.
    assert lacking == set().union(*ACCEPTED.values())
