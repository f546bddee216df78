"""Keeps the keys of ``env.example`` out of use: everybody knows them.

With the example's LINK_KEY anybody computes any reader's links. So a process that serves, sends or
touches the database does not start with a key that the example shows. What only looks at the code
(`make lint`) may use the example as it is, and so may a developer with DEBUG=1 on this machine.
"""

import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_EXAMPLE = Path(__file__).with_name("env.example")
_LINE = re.compile(r"#?\s*(?P<name>[A-Z][A-Z0-9_]+)=(?P<value>\S.*)")
# What a key or a password of the example looks like, whatever version of it was copied.
_LOOKS_LIKE_ONE = re.compile(
    r"example-only|replace-me|change-?me|^(?:user:password|old-key)$", re.I
)
# Commands that neither serve nor send, nor make anything with a key. Anything else is refused.
_LOOKING = {
    *("makemigrations", "makemessages", "compilemessages", "help", "version", "--help"),
    *("evaluate_ranking", "evaluate_topics", "fit_ranking", "fit_topics"),
}
_LOOKING_PROGRAMS = {"mypy", "dmypy", "lint-imports", "stubtest", "pylint"}


def checked(name: str, value: str, *, is_allowed: bool) -> str:
    """Return the value. Raises ImproperlyConfigured, naming the variable, if it is an example."""
    if not is_example(value) or is_allowed or _only_looks_at_code():
        return value
    raise ImproperlyConfigured(
        f"{name} is the example of deploy/env.example, which everybody knows. Make a key with "
        "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
    )


def is_local(site: str) -> bool:
    """Whether a site can be reached from this machine only."""
    return urlsplit(site).hostname in {"localhost", "127.0.0.1", "::1"}


def is_example(value: str) -> bool:
    """Whether the value is, or was, one of the example's keys, under whichever name."""
    return value in _values() or _LOOKS_LIKE_ONE.search(value) is not None


@cache
def _values() -> frozenset[str]:
    """The values of the example file that are secrets: numbers, names and URLs are none."""
    secret = re.compile(r"KEY|SECRET|TOKEN|PASSWORD")
    lines = _EXAMPLE.read_text().splitlines() if _EXAMPLE.exists() else []
    found = (match for line in lines if (match := _LINE.fullmatch(line)))
    return frozenset(match["value"].strip() for match in found if secret.search(match["name"]))


def _only_looks_at_code() -> bool:
    program = Path(sys.argv[0]).name
    if program == "__main__.py":  # python -m mypy
        program = Path(sys.argv[0]).parent.name
    if program == "manage.py" and len(sys.argv) > 1:
        is_plain_check = sys.argv[1] == "check" and "--deploy" not in sys.argv
        return sys.argv[1] in _LOOKING or is_plain_check
    return program in _LOOKING_PROGRAMS
