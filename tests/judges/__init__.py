"""What others say of our pages and mails: judges that are programs, and not ours.

`make judges` installs them. A test whose judge is not there is skipped and says so.
"""

import shutil
from pathlib import Path

import pytest

_TOOLS = Path(__file__).parents[2] / ".tools" / "judges"


def installed(path: str) -> str:
    """The path of a file of the judges; skips the test where they are not installed."""
    found = _TOOLS / path
    if not found.exists():
        pytest.skip("the judges are not here; `make judges` installs them")
    return str(found)


def program(name: str) -> str:
    """The path of a program that Debian has; skips the test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here; `make judges` installs it")
    return found
