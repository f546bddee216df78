"""Proof of work instead of a captcha: the visitor's browser computes for about a second.

The puzzle is ALTCHA's (https://altcha.org/docs/v2/proof-of-work/): find the number which, appended
to the salt, has the challenge as its SHA-256. People do not notice it; a program that wants a
thousand sign-ups pays for each one. No third party is involved, and nothing is stored but the
solutions of the last hour, so that each can be used only once.
"""

import base64
import binascii
import json
from datetime import datetime, timedelta
from typing import Any

from altcha import v1 as altcha
from django.conf import settings

from . import abuse

# About a second in the browser of an older phone.
_LARGEST_NUMBER = 60_000
_LIFETIME = timedelta(hours=1)
_FIELDS = {"algorithm": str, "challenge": str, "number": int, "salt": str, "signature": str}


def is_on() -> bool:
    return bool(settings.SIGNUP_CAPTCHA)


def new_challenge(now: datetime) -> dict[str, Any]:
    """Return a new puzzle, whose solution can be used once and within an hour."""
    made = altcha.create_challenge(
        altcha.ChallengeOptions(
            max_number=_LARGEST_NUMBER, hmac_key=_key(), expires=now + _LIFETIME
        )
    )
    return {
        "algorithm": made.algorithm,
        "challenge": made.challenge,
        "maxnumber": made.max_number,
        "salt": made.salt,
        "signature": made.signature,
    }


def is_solved(text: str) -> bool:
    """Return whether `text` solves one of our puzzles for the first time. This uses it up.

    `text` holds the challenge's fields and the `number` found, as base64-encoded JSON.
    """
    solution = _read(text)
    if solution is None:
        return False
    is_right, _reason = altcha.verify_solution(solution, _key())
    return is_right and not abuse.is_solution_reused(solution["challenge"])


def _read(text: str) -> Any:
    """Return the solution, or None if its fields or types are wrong; the library does not check."""
    try:
        found = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(map(_is_ascii, found.values())):
        return None
    has_shape = all(type(found.get(name)) is kind for name, kind in _FIELDS.items())
    return found if has_shape and found["algorithm"] == "SHA-256" else None


def _is_ascii(value: object) -> bool:
    """Whether a field can be part of a puzzle of ours. Half a surrogate pair cannot be hashed."""
    return not isinstance(value, str) or value.isascii()


def _key() -> str:
    return f"subscribers.captcha:{settings.SECRET_KEY}"
