"""Choosing does not load what only mails need."""

import os
import subprocess
import sys

PROGRAM = """
import sys
import django
django.setup()
import digest.choosing.composing
print(sorted({"css_inline", "digest.mail"} & sys.modules.keys()))
import digest.mail.shared
print(sorted({"css_inline", "digest.mail"} & sys.modules.keys()))
"""


def test_composing_loads_neither_mail_nor_what_inlines_css() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "deploy.settings"}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ["[]", "['css_inline', 'digest.mail']"]
