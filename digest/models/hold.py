from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _


class HoldQuerySet(models.QuerySet["Hold"]):
    def active(self) -> Self:
        """Holds that apply now, by the database's clock."""
        return self.filter(released_at=None).filter(
            models.Q(until=None) | models.Q(until__gt=Now())
        )

    def release(self) -> int:
        """End those that nobody has released yet. Returns how many. Safe to repeat.

        Those of safe mode stay until somebody has said what had been sent (`Restoration`).
        """
        own = self.filter(released_at=None).exclude(Restoration.UNSETTLED)
        return own.update(released_at=Now())


class Hold(models.Model):
    """A stop on handing over to a mail service: until a time, or until an operator releases it."""

    mail_service = models.CharField(
        max_length=40, blank=True, help_text="Leave empty to hold all mail services."
    )
    reason = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(
        null=True, blank=True, help_text="Leave empty to hold until released."
    )
    released_at = models.DateTimeField(null=True, blank=True)
    # The day's quota is used up. It does not stop those who have their share of it.
    is_quota = models.BooleanField(default=False, editable=False)

    objects: ClassVar = HoldQuerySet.as_manager()

    @property
    def is_of_safe_mode(self) -> bool:
        """Whether it ends only when somebody says what had been sent (`Restoration`)."""
        restoration = getattr(self, "restoration", None)
        return restoration is not None and restoration.settled_at is None

    def __str__(self) -> str:
        name = self.mail_service or _("all mail services")
        return f"{name}, {self.created_at:%Y-%m-%d %H:%M}"


class Restoration(models.Model):
    """Safe mode: the database turned out to be an older one, from a backup, or a copy.

    It knew all until `known_until`; digests went out until `sent_until`, as far as the marks of our
    hosts say. The hold ends when it is settled: when somebody has said until when digests were
    sent, and what was due by then is closed (``delivery.restored``).
    """

    UNSETTLED = models.Q(restoration__isnull=False, restoration__settled_at=None)

    hold = models.OneToOneField(Hold, on_delete=models.CASCADE, related_name="restoration")
    known_until = models.DateTimeField(null=True)
    sent_until = models.DateTimeField(null=True)
    found_at = models.DateTimeField(db_default=Now())
    # What somebody said, and what came of it.
    said_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    assumed = models.PositiveIntegerField(db_default=0)
    asked = models.PositiveIntegerField(db_default=0)
    # Readers who had left, been suppressed or paused since, and whose wish was followed again.
    signed_off = models.JSONField(db_default={}, default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Restored, found at {self.found_at:%Y-%m-%d %H:%M}"


class Backup(models.Model):
    """A backup that was begun, and its size in bytes once it was complete.

    The row is in the backup too: a restored database knows from it until when it knows anything.
    `keys` tells whether the keys are still those by which its links and hashes were made.
    """

    at = models.DateTimeField(db_default=Now())
    name = models.CharField(max_length=200)
    keys = models.CharField(max_length=64)
    finished_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name}, {self.at:%Y-%m-%d %H:%M}"
