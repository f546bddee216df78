from django.db import models
from django.utils import timezone


class Suppression(models.Model):
    """An address that gets no mail, whoever asks. Only its keyed hash is stored."""

    class Reason(models.TextChoices):
        BOUNCED = "bounced", "The address does not exist (hard bounce)"
        COMPLAINED = "complained", "The reader reported our mail as spam"
        REFUSED = "refused", "The owner of the address said they had not signed up"
        MANUAL = "manual", "Added by an operator"

    address_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=12, choices=Reason)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Empty once we have evidence of our own: it then outlives an undone import.
    imported_with = models.ForeignKey(
        "subscribers.Import",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["imported_with"],
                name="suppression_imported_with",
                condition=models.Q(imported_with__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.address_hash[:12]}…: {self.get_reason_display()}"
