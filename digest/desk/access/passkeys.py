"""Passkeys: what a browser is asked, and whether its answer is right (WebAuthn, by python-fido2).

A challenge is kept in the session and taken out of it by the first answer, so none is used twice.
The library takes a quarter of a second to import, and only these pages need it.
"""

import hashlib
import json
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.http import HttpRequest

from digest.models import Factor

PASSKEY = Factor.Kind.PASSKEY
_KEPT = "passkey"
_MOST_LETTERS = 20_000


def can_be_used() -> bool:
    """Whether browsers have passkeys for this site: it needs a name, and HTTPS or this machine."""
    site = urlsplit(settings.SITE_URL)
    host = site.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return site.scheme == "https" or host == "localhost"
    return False


def to_make(request: HttpRequest, user: User) -> dict[str, Any]:
    """What to ask a browser that is to make a passkey, as JSON."""
    asked, kept = _server().register_begin(
        {
            # Tells an authenticator whose it is, and nobody else.
            "id": hashlib.sha256(f"{settings.SITE_URL} {user.pk}".encode()).digest(),
            "name": user.get_username(),
            "displayName": user.get_full_name() or user.get_username(),
        },
        _credentials(user),
        resident_key_requirement="discouraged",
        user_verification="preferred",
    )
    request.session[_KEPT] = kept
    return dict(asked)


def to_use(request: HttpRequest, user: User) -> dict[str, Any] | None:
    """What to ask a browser that is to use one of the user's passkeys; None if they have none."""
    known = _credentials(user)
    if not known or not can_be_used():
        return None
    asked, kept = _server().authenticate_begin(known, user_verification="preferred")
    request.session[_KEPT] = kept
    return dict(asked)


def add(request: HttpRequest, user: User, answer: str, name: str) -> Factor | None:
    """Store the passkey that a browser has made; None if the answer is not right."""
    kept = request.session.pop(_KEPT, None)
    try:
        if not kept:
            return None
        made = _server().register_complete(kept, _parsed(answer))
        credential = made.credential_data
        with transaction.atomic():
            return Factor.objects.create(
                user=user,
                kind=PASSKEY,
                name=name,
                secret=bytes(credential),
                credential=_hashed(credential.credential_id),
                uses=made.counter,
            )
    except (*_WRONG, IntegrityError):
        return None


def use(request: HttpRequest, user: User, answer: str) -> bool:
    """Whether the answer is that of one of the user's passkeys to what was asked just now."""
    from fido2.webauthn import AuthenticationResponse  # noqa: PLC0415  # slow

    kept = request.session.pop(_KEPT, None)
    if not kept:
        return False
    try:
        response = AuthenticationResponse.from_dict(_parsed(answer))
        used = _server().authenticate_complete(kept, _credentials(user), response)
        counter = response.response.authenticator_data.counter
    except _WRONG:
        return False
    mine = Factor.objects.filter(user=user, credential=_hashed(used.credential_id))
    if counter:
        # One whose counter does not go up is a copy. Many passkeys have none.
        mine = mine.filter(uses__lt=counter)
    return bool(mine.update(used_at=Now(), **({"uses": counter} if counter else {})))


# What the library raises about an answer that somebody made up.
_WRONG = (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError)


def _parsed(answer: str) -> dict[str, Any]:
    parsed = json.loads(answer[:_MOST_LETTERS])
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


def _credentials(user: User) -> list[Any]:
    from fido2.webauthn import AttestedCredentialData  # noqa: PLC0415  # slow

    of_user = Factor.objects.filter(user=user, kind=PASSKEY)
    return [AttestedCredentialData(bytes(one.secret)) for one in of_user]


def _server() -> Any:
    from fido2.server import Fido2Server  # noqa: PLC0415  # slow
    from fido2.webauthn import PublicKeyCredentialRpEntity  # noqa: PLC0415  # slow

    site = urlsplit(settings.SITE_URL)
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=site.hostname, name=settings.SITE_NAME),
        verify_origin=lambda origin: origin == settings.SITE_URL,
    )


def _hashed(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()
