"""Inputs as the world really sends them, kept beside the repository. Tests skip without them."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[4] / "shared" / "field"


def sent(name: str) -> bytes:
    """Return the input of that name; skip the test if it is not there."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"needs {name} of ../shared/field")
    return path.read_bytes()
