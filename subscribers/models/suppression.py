from django.db import models
from django.utils import timezone


class Suppression(models.Model):
    """We must not write to this address, whoever asks. Keeps the keyed hash, not the address."""

    class Reason(models.TextChoices):
        BOUNCED = "bounced", "The address does not exist (hard bounce)"
        COMPLAINED = "complained", "The reader reported our mail as spam"
        REFUSED = "refused", "The address's owner said that the sign-up was not theirs"
        MANUAL = "manual", "Added by an operator"

    address_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=12, choices=Reason)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.address_hash[:12]}… {self.reason}"
