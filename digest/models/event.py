from django.db import models
from django.utils import timezone


class Event(models.Model):
    """Something the mail service told us about a digest. Rows are only ever added.

    `dedupe_key` is the service's own id for the event, or a hash of the event's content if it has
    none, so a repeated webhook finds its row already there.
    """

    dedupe_key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=16, help_text="anymail's word for it.")
    digest = models.ForeignKey(
        "digest.Digest", on_delete=models.SET_NULL, null=True, related_name="events"
    )
    address_hash = models.CharField(max_length=64, blank=True)
    mail_service = models.CharField(max_length=40)
    message_id = models.CharField(max_length=300, blank=True)
    reject_reason = models.CharField(max_length=16, blank=True)
    is_permanent = models.BooleanField(default=False)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.kind}"
