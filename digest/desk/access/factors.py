"""An operator's second factors: adding one, asking for one, and taking them away.

Whatever is used here is used up in the statement that checks it, so of two requests with the same
code only one is let in.
"""

import time

import pyotp
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Now
from django.utils import timezone

from digest.models import Factor, RecoveryCode, SignOut

from . import roles, secrets

APP, PASSKEY, CODE = Factor.Kind.APP, Factor.Kind.PASSKEY, "code"
# Clocks of phones are a little off: the code before and after the present one are taken, too.
_STEP, _STEPS_OFF = 30, 1
MOST = 10


def new_key() -> str:
    """A key for an authenticator app, to be shown once and stored when a code of it was typed."""
    return pyotp.random_base32()


def address_of(key: str, user: User) -> str:
    """What authenticator apps read from a QR code."""
    totp, site = pyotp.TOTP(key), settings.SITE_NAME
    return totp.provisioning_uri(name=user.get_username(), issuer_name=site)


def add_app(user: User, key: str, code: str, name: str) -> Factor | None:
    """Store the app, if the code is one that it shows now. The code is used up."""
    step = _step_of(key, code, after=0)
    if step is None:
        return None
    return Factor.objects.create(
        user=user, kind=APP, name=name, secret=secrets.encrypted(key), last_step=step
    )


def has_any(user: User) -> bool:
    return Factor.objects.filter(user=user).exists()


def is_asked_of(user: User) -> bool:
    """Whether this operator must have a second factor (SECOND_FACTOR_FOR)."""
    return roles.reach_of(user) in settings.SECOND_FACTOR_FOR


def use(user: User, typed: str) -> str:
    """Use up an app's code, or a recovery code. Returns which it was, "" for neither."""
    plain = "".join(typed.split())
    if plain.isascii() and plain.isdigit() and len(plain) == 6:
        return APP if any(_use_app(one, plain) for one in _apps(user)) else ""
    return CODE if _use_recovery_code(user, typed) else ""


def new_codes(user: User) -> list[str]:
    """Replace all recovery codes. Nobody can see them again after this."""
    codes = secrets.new_codes()
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, code_hash=secrets.hashed(code)) for code in codes
        )
    return codes


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def remove(user: User, pk: int) -> Factor | None:
    """Take a factor away; with the last one the recovery codes go, too."""
    with transaction.atomic():
        found = Factor.objects.select_for_update().filter(user=user, pk=pk).first()
        if found is None:
            return None
        found.delete()
        if not has_any(user):
            RecoveryCode.objects.filter(user=user).delete()
    return found


def reset(user: User) -> int:
    """Take all factors away, and sign the operator out everywhere. Returns how many there were."""
    with transaction.atomic():
        number, _ = Factor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        sign_out_everywhere(user)
    return number


def sign_out_everywhere(user: User) -> None:
    """Have no session count that there is now."""
    SignOut.objects.get_or_create(user=user)
    SignOut.objects.filter(user=user).update(times=F("times") + 1)


def _apps(user: User) -> list[Factor]:
    return list(Factor.objects.filter(user=user, kind=APP))


def _use_app(factor: Factor, code: str) -> bool:
    try:
        key = secrets.decrypted(factor.secret)
    except secrets.Unreadable:
        return False
    step = _step_of(key, code, after=factor.last_step)
    if step is None:
        return False
    free = Factor.objects.filter(pk=factor.pk, last_step__lt=step)
    return bool(free.update(last_step=step, used_at=Now(), uses=F("uses") + Value(1)))


def _step_of(key: str, code: str, *, after: int) -> int | None:
    """The 30 seconds to which the code belongs; None if it is not one of those that are taken."""
    totp, now = pyotp.TOTP(key, interval=_STEP), int(time.time()) // _STEP
    for step in range(now - _STEPS_OFF, now + _STEPS_OFF + 1):
        if step > after and pyotp.utils.strings_equal(totp.generate_otp(step), code):
            return step
    return None


def _use_recovery_code(user: User, code: str) -> bool:
    unused = RecoveryCode.objects.filter(user=user, code_hash=secrets.hashed(code), used_at=None)
    return bool(unused.update(used_at=timezone.now()))
