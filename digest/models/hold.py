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
        """End those that nobody has released yet. Returns how many. Safe to repeat."""
        return self.filter(released_at=None).update(released_at=Now())


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

    def __str__(self) -> str:
        name = self.mail_service or _("all mail services")
        return f"{name}, {self.created_at:%Y-%m-%d %H:%M}"
