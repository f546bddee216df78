"""Proof of work instead of a captcha: the visitor's browser computes for a second.

The puzzle is ALTCHA's (https://altcha.org/docs/v2/proof-of-work/): find the number whose
SHA-256, behind the salt, is the challenge. A person notices nothing; a program that wants a
thousand sign-ups pays for each of them. Nothing is asked of anybody else, and nothing is kept
but the solutions of the last hour, so that each is good once.
"""

import base64
import binascii
import json
from datetime import datetime, timedelta
from typing import Any

from altcha import v1 as altcha
from django.conf import settings

from . import abuse

# About a second in a browser on a phone that is not new.
LARGEST_NUMBER = 60_000
LIFETIME = timedelta(hours=1)
_FIELDS = {"algorithm": str, "challenge": str, "number": int, "salt": str, "signature": str}


def is_on() -> bool:
    return bool(settings.SIGNUP_CAPTCHA)


def new_challenge(now: datetime) -> dict[str, Any]:
    """A puzzle that can be solved once, within the hour."""
    made = altcha.create_challenge(
        altcha.ChallengeOptions(max_number=LARGEST_NUMBER, hmac_key=_key(), expires=now + LIFETIME)
    )
    return {
        "algorithm": made.algorithm,
        "challenge": made.challenge,
        "maxnumber": made.max_number,
        "salt": made.salt,
        "signature": made.signature,
    }


def is_solved(text: str) -> bool:
    """Whether `text` solves one of our puzzles for the first time: the fields of the challenge
    and the `number`, as JSON in base64. Asking uses the solution up."""
    solution = _read(text)
    if solution is None:
        return False
    is_right, _reason = altcha.verify_solution(solution, _key())
    return is_right and not abuse.is_used_again(solution["challenge"])


def _read(text: str) -> Any:
    """The solution, or None for what has not its shape: the library trusts in that."""
    try:
        found = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    has_shape = all(type(found.get(name)) is kind for name, kind in _FIELDS.items())
    return found if has_shape and found["algorithm"] == "SHA-256" else None


def _key() -> str:
    return f"subscribers.captcha:{settings.SECRET_KEY}"
