"""What the database keeps of second factors: nothing that a copy of it could be used with.

The key of an authenticator app is needed again, so it is encrypted by `SECRET_KEY`. Recovery codes
are only compared, so their hashes do: a code has 80 random bits and needs no salt.
"""

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

CODES = 10
# Crockford's letters and digits, without those that are taken for others.
_LETTERS = "abcdefghjkmnpqrstvwxyz0123456789"
_GROUPS, _IN_A_GROUP = 4, 4


class Unreadable(Exception):
    """It was encrypted with a SECRET_KEY that is no longer among the settings."""


def encrypted(text: str) -> bytes:
    return _cipher().encrypt(text.encode())


def decrypted(data: bytes | memoryview) -> str:
    """Raises `Unreadable`."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415  # see `_cipher`

    try:
        return _cipher().decrypt(bytes(data)).decode()
    except InvalidToken as error:
        raise Unreadable from error


def new_codes() -> list[str]:
    """Return recovery codes, such as abcd-ef12-…"""
    length = _GROUPS * _IN_A_GROUP
    drawn = ("".join(secrets.choice(_LETTERS) for _ in range(length)) for _ in range(CODES))
    return [
        "-".join(code[at : at + _IN_A_GROUP] for at in range(0, length, _IN_A_GROUP))
        for code in drawn
    ]


def hashed(code: str) -> str:
    """What is stored of a recovery code, however somebody writes it."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    plain = plain.translate(str.maketrans("oil", "011"))
    return hashlib.sha256(plain.encode(errors="replace")).hexdigest()


def _cipher() -> "MultiFernet":
    # Takes a tenth of a second to import, and few processes ever need it.
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    digest = hmac.digest(key.encode(), b"digest.desk.access second factor", "sha256")
    return base64.urlsafe_b64encode(digest)
