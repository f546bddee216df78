"""The sender on the envelope: an address for each mail (VERP), to which its bounces come back.

It has a token behind a plus, as in ``bounces+TOKEN@news.example.org``: which digest or letter it
was, and a signature for this purpose alone. It holds no address, but the signature is only that of
the mail to one: after a reader has moved, what comes back from their former mailbox says nothing.

The token has no capitals, because mail servers may change the case of an address, and forty
characters: with what a forwarder puts around it (SRS), few addresses grow longer than is allowed.
"""

import hashlib
import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings

# RFC 5321 §4.5.3.1.1 allows 64 characters before the @; the token has 40, and there is a plus.
LONGEST_MAILBOX = 64 - 41
_MOST_TOKENS = 10
_PURPOSE = b"return path"


class Kind(IntEnum):
    DIGEST = 1
    LETTER = 2


_DIGEST, _LETTER = Kind.DIGEST.to_bytes(), Kind.LETTER.to_bytes()


@dataclass(frozen=True, slots=True)
class Mailed:
    """What an address says: a mail of ours, by a digest's `uuid` or a letter's number. Anybody can
    say so; `went_to` tells whether we have."""

    kind: Kind
    number: int
    signature: bytes

    @property
    def uuid(self) -> UUID:
        return UUID(int=self.number)

    def went_to(self, address: str) -> bool:
        """Whether we sent this mail to this address, written like this."""
        named = self.kind.to_bytes() + self.number.to_bytes(16)
        return hmac.compare_digest(self.signature, _signature(settings.LINK_KEY, named, address))


def sender_of(message: Any, recipient: str) -> str:
    """Return the sender on the envelope of a digest or a letter to this recipient.

    It is that in the header unless MAIL_BOUNCES is set, and for all other mails.
    """
    bounces = settings.MAIL_BOUNCES
    metadata = getattr(message, "metadata", None) if bounces else None
    if isinstance(metadata, dict):
        if uuid := metadata.get("digest"):
            return _sender(bounces, settings.LINK_KEY, _DIGEST, uuid, recipient)
        if number := metadata.get("letter"):
            return _sender(bounces, settings.LINK_KEY, _LETTER, number, recipient)
    return str(message.from_email)


@lru_cache(maxsize=256)  # a sender announces each mail before it hands it over
def _sender(bounces: str, key: str, kind: bytes, number: str, recipient: str) -> str:
    mailbox, _, domain = bounces.rpartition("@")
    is_digest = kind is _DIGEST
    own = bytes.fromhex(number.replace("-", "")) if is_digest else int(number).to_bytes(16)
    named = kind + own
    token = b32encode(named + _signature(key, named, recipient)).decode().lower()
    return f"{mailbox}+{token}@{domain}"


def _signature(key: str, named: bytes, address: str) -> bytes:
    """Eight bytes of keyed BLAKE2, which takes half as long as HMAC."""
    said = named + address.encode(errors="replace")
    signed = hashlib.blake2b(said, key=_digest_of(key), digest_size=8, person=_PURPOSE)
    return signed.digest()


@lru_cache(maxsize=4)
def _digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def found_in(text: str) -> Iterator[Mailed]:
    """Yield what the addresses of ours say that are in the text."""
    if settings.MAIL_BOUNCES:
        mailbox = settings.MAIL_BOUNCES.rpartition("@")[0]
        ours = rf"(?<![\w.+-]){re.escape(mailbox)}\+([a-z2-7]{{40}})@"
        for found in islice(re.finditer(ours, text, re.ASCII | re.IGNORECASE), _MOST_TOKENS):
            if mailed := _read(found[1]):
                yield mailed


def _read(token: str) -> Mailed | None:
    content = b32decode(token.upper())
    try:
        kind = Kind(content[0])
    except ValueError:
        return None
    return Mailed(kind, int.from_bytes(content[1:17]), content[17:])
