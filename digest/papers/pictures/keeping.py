"""Pictures in their storage: a folder, or S3. A name is the hash of what is in it, so the same name
never means another picture, and caches may keep it for good.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import Q

from digest.models import Paper, Picture

logger = logging.getLogger(__name__)

# A thumbnail that could not be had so often is left alone. The number of one that is hidden is far
# beyond that.
MOST_TRIES, HIDDEN = 3, 100
_PRUNED_AT_ONCE = 500


def storage() -> Storage:
    return storages["pictures"]


def store(picture: bytes) -> str:
    """Store a JPEG, unless it is there already. Returns its name."""
    name = f"{sha256(picture).hexdigest()[:32]}.jpg"
    if not storage().exists(name):
        storage().save(name, ContentFile(picture))
    return name


def read(name: str) -> bytes | None:
    """Return the picture with this name; None if there is none."""
    try:
        with storage().open(name) as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None


def remove(paper: Paper) -> None:
    """Remove the paper's picture, and do not fetch it again until its `Picture` row is deleted.

    The file goes when the transaction is committed. Safe to repeat.
    """
    Picture.objects.update_or_create(
        paper=paper, defaults={"tries": HIDDEN, "problem": "Hidden by an operator."}
    )
    names = Paper.objects.filter(pk=paper.pk).exclude(picture="").values_list("picture", flat=True)
    found = list(names)
    Paper.objects.filter(pk=paper.pk).update(picture="")
    transaction.on_commit(lambda: _delete(found))


def prune(now: datetime) -> int:
    """Remove pictures of papers that have been in no edition for so many days. Returns of how many.

    Mails that had them show words instead. Safe to repeat.
    """
    until = now - timedelta(days=settings.PICTURES_DAYS)
    is_old = Q(candidate__edition__date__lt=until.date()) | Q(
        candidate=None, first_seen_at__lt=until
    )
    old = dict(
        Paper.objects.filter(is_old)
        .exclude(picture="")
        .order_by("pk")
        .values_list("pk", "picture")[:_PRUNED_AT_ONCE]
    )
    Paper.objects.filter(pk__in=old).update(picture="")
    _delete(old.values())
    return len(old)


def _delete(names: Iterable[str]) -> None:
    """Delete the files that no paper has any more."""
    for name in set(names):
        if Paper.objects.filter(picture=name).exists():
            continue
        try:
            storage().delete(name)
        except Exception as error:  # a storage's own: it is only a file too many
            logger.warning("The picture %s could not be deleted: %s", name, type(error).__name__)
