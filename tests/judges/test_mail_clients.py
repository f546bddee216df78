"""Can I email: what Gmail, Outlook, Apple Mail and Yahoo cannot show of our mails.

The judge's data says of each feature of HTML and CSS which mail program lacks it. What we use
all the same stands below with the reason why nothing is lost.
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.contract import html_of, parsed
from tests.judges import installed
from tests.judges.everything import every_mail

pytestmark = pytest.mark.django_db

# What some program lacks, by the judge's names, under the reason why we use it.
ACCEPTED = {
    "The wide, light form stands in the elements themselves; only phone and dark need these.": {
        "@media",
        "<style> element",
        "color-scheme meta tag",
    },
    "They hide the preview line. Word's engine reads mso-hide; Gmail on the mobile web shows it.": {
        "display:none",
        "max-height property",
        "overflow",
    },
    "Where it is not known its text is shown all the same.": {"<bdi> element"},
    "Only very long words make the column wider, or a pair of words breaks.": {
        "overflow-wrap",
        "table-layout",
        "white-space",
    },
    "The next font of the list is taken.": {
        "system-ui, ui-serif, ui-sans-serif, ui-rounded, ui-monospace"
    },
    "A table or an article is read aloud with its structure.": {"role attribute"},
    "The button has sharp corners.": {"border-radius"},
    "The outermost table has the same colours.": {"<body> element"},
}


def lacking_in(html: str) -> dict[str, list[str]]:
    """What some mail program lacks of this mail's features, and which programs."""
    node = installed("bin/node")
    module = Path(installed("node_modules/caniemail/dist/index.js"))
    script = str(Path(__file__).with_name("can_i_email.mjs"))
    command = [node, script, module.as_uri()]
    run = subprocess.run(command, input=html.encode(), capture_output=True, check=True)
    lacking: dict[str, list[str]] = json.loads(run.stdout)
    return lacking


def test_the_judge_sees_what_a_program_lacks() -> None:
    lacking = lacking_in('<p style="display: grid">text</p>')

    assert list(lacking) == ["display:grid"]
    assert "gmail.ios" not in lacking["display:grid"]
    assert "outlook.windows" in lacking["display:grid"]


def test_mails_need_nothing_that_a_large_mail_program_lacks() -> None:
    lacking: set[str] = set()
    for raw in every_mail().values():
        lacking |= set(lacking_in(html_of(parsed(raw))))

    # What is accepted and not used any more must go, too.
    assert lacking == set().union(*ACCEPTED.values())
