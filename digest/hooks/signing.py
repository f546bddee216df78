"""Secrets of endpoints, and the signature of Standard Webhooks 1.0."""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings

from digest.models import Endpoint, Notice

# How long the former secret signs as well, so that a receiver can change it without losing a call.
OVERLAP = timedelta(hours=24)


def new_salt() -> str:
    return secrets.token_urlsafe(32)


def secret(salt: str) -> str:
    """Return the secret as its receiver gets it: once, when it is made."""
    return f"whsec_{b64encode(_key(salt)).decode()}"


def rotate(endpoint: Endpoint, now: datetime) -> str:
    """Give the endpoint another secret and return it. The present one signs as well for a day."""
    endpoint.former_salt, endpoint.former_until = endpoint.salt, now + OVERLAP
    endpoint.salt = new_salt()
    endpoint.save(update_fields=["salt", "former_salt", "former_until"])
    return secret(endpoint.salt)


def headers(endpoint: Endpoint, notice: Notice, body: bytes, now: datetime) -> Mapping[str, str]:
    """Return the headers by which the receiver knows that the body is ours and not an old copy."""
    number, sent_at = f"msg_{notice.uuid.hex}", f"{now.timestamp():.0f}"
    signed = f"{number}.{sent_at}.".encode() + body
    salts = [endpoint.salt]
    if endpoint.former_until and endpoint.former_until > now:
        salts.append(endpoint.former_salt)
    return {
        "webhook-id": number,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(_signature(_key(salt), signed) for salt in salts),
    }


def _signature(key: bytes, signed: bytes) -> str:
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def _key(salt: str) -> bytes:
    return hmac.digest(settings.LINK_KEY.encode(), f"webhook:{salt}".encode(), "sha256")
