from django.db import models
from django.utils import timezone


class Link(models.Model):
    """A link mailed to a subscriber for one purpose. Only the hash of its token is stored."""

    class Purpose(models.TextChoices):
        CONFIRM = "confirm", "Confirm the address"
        PREFERENCES = "preferences", "Open the preferences"
        UNSUBSCRIBE = "unsubscribe", "Unsubscribe"
        READ = "read", "Read a digest on the web"
        VOTE = "vote", "Vote on papers"
        SAVED = "saved", "Save papers, and see those saved"
        FEED = "feed", "Read the saved papers as a feed"
        CHANGE = "change", "Confirm a new address"
        REFUSE = "refuse", "This was not me"

    token_hash = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=12, choices=Purpose)
    subscriber = models.ForeignKey("subscribers.Subscriber", on_delete=models.CASCADE)
    address_hash = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="The reader's when a random link was made: they may have moved since.",
    )
    # Those of the letter, if it confirms a sign-up.
    wishes = models.JSONField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False),
                name="link_expires",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}: {self.token_hash[:8]}…"
