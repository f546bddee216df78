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

    def __str__(self) -> str:
        return f"{self.address_hash[:12]}… {self.reason}"
