"""The link with which the first owner makes their account, because nobody is there to add them.

Only whoever runs the server can make one (`manage.py invite_owner`). It opens one page, makes one
account there, and is of no use after a day. The database keeps its hash. A newer link replaces it.
"""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse

from digest.desk import audit
from digest.models import Invitation

from . import roles

LASTS = timedelta(hours=24)


def is_needed() -> bool:
    """Whether no owner can log in, and no link is waiting for one."""
    owns = Q(is_superuser=True) | Q(groups__name=roles.OWNER)
    if User.objects.filter(owns, is_active=True, is_staff=True).exists():
        return False
    return not _open().exists()


def invite() -> str:
    """Return a new link, to be shown once. Those before it stop working."""
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        _open().delete()
        Invitation.objects.create(token_hash=_hashed(token), expires_at=Now() + LASTS)
        audit.record(audit.COMMAND, "invitation.add")
    return f"{settings.SITE_URL}{reverse('welcome', args=[token])}"


def is_open(token: str) -> bool:
    return _open().filter(token_hash=_hashed(token)).exists()


def use(token: str) -> bool:
    """Use the link up. Of two requests with the same one, only one gets True."""
    return bool(_open().filter(token_hash=_hashed(token)).update(used_at=Now()))


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(used_at=None, expires_at__gt=Now())


def _hashed(token: str) -> str:
    """What is stored of a link: it has 192 random bits and needs no salt."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
