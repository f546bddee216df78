"""Programs by others that check our pages and mails.

`make judges` installs them. The tests of a program that is not installed are skipped.
"""

import shutil
from pathlib import Path

import pytest

_TOOLS = Path(__file__).parents[2] / ".tools" / "judges"


def installed(path: str) -> str:
    """The path of a file that `make judges` installs. Skips the test if it is missing."""
    found = _TOOLS / path
    if not found.exists():
        pytest.skip("not installed; run `make judges`")
    return str(found)


def program(name: str) -> str:
    """The path of a program from a Debian package. Skips the test if it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; run `make judges`")
    return found
