"""What an address is, when two are the same, and how one is kept without being readable.

An address is refused here with words for the reader, and again by `letters` just before a
mail goes out: a mail library may take one text for two recipients.
"""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from email_validator import EmailNotValidError, validate_email


class InvalidAddress(ValueError):
    """No address that mail can be sent to. The text is for the reader and names no address."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address in its two forms.

    `canonical` says whether two addresses are the same: small letters, ASCII domain.
    `deliver_to` is where mail goes: the part before the @ as it was entered, because only the
    receiving server knows whether its case matters (RFC 5321 §2.4).
    """

    canonical: str
    deliver_to: str


def parse(text: str) -> Address:
    """The address in `text`, which must hold nothing else.

    Raises `InvalidAddress` for all that is no plain address of at most 254 characters:
    names, lists, quoted parts, address literals, controls, and a non-ASCII part before
    the @, which few mail services can carry.
    """
    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidAddress(str(error)) from error
    # Without SMTPUTF8 the ASCII form is always there.
    deliver_to = str(valid.ascii_email)
    return Address(canonical=deliver_to.lower(), deliver_to=deliver_to)


def canonical(text: str) -> str:
    """The form in which equal addresses are equal. Raises `InvalidAddress`."""
    return parse(text).canonical


def hashed(address: str) -> str:
    """The keyed hash of the canonical address, 64 hex digits. Raises `InvalidAddress`.

    The key makes it useless to whoever has a list of addresses but not the key.
    """
    key = settings.ADDRESS_KEY.encode()
    return hmac.new(key, canonical(address).encode(), hashlib.sha256).hexdigest()
