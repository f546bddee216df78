from typing import ClassVar, Self

from django.db import models
from django.utils import timezone


class LetterQuerySet(models.QuerySet["Letter"]):
    def waiting(self) -> Self:
        """Letters that are neither sent nor given up."""
        return self.filter(sent_at=None, given_up_at=None)


class Letter(models.Model):
    """An outbox row: a mail about the subscription itself that must go out.

    Unlike a digest, a letter may arrive twice in the worst case, but not more often. Somebody is
    waiting for it, and a second copy does no harm.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "Please confirm your address"
        KNOWN = "known", "You are already subscribed"
        LINK = "link", "A new link to your preferences"
        CHANGE = "change", "Please confirm your new address"
        CHANGED = "changed", "Your address was changed"

    subscriber = models.ForeignKey(
        "subscribers.Subscriber", on_delete=models.CASCADE, related_name="letters"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    to = models.EmailField(
        max_length=320,
        blank=True,
        help_text="If empty, the letter goes to the subscriber’s own address.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Hand-overs of which nobody knows whether the mail service took the letter.
    doubts = models.PositiveSmallIntegerField(db_default=0, default=0)
    # Whether the rate limits have counted it.
    is_counted = models.BooleanField(db_default=False, default=False)
    # What a sign-up asked for. It takes effect with the letter's link, which only its reader has.
    wishes = models.JSONField(null=True, blank=True, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = LetterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "kind"],
                condition=models.Q(sent_at=None, given_up_at=None),
                name="one_letter_waiting_of_a_kind",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="letter_waiting",
                condition=models.Q(sent_at=None, given_up_at=None),
            ),
        ]

    @property
    def language(self) -> str:
        """The language in which somebody signed up with this letter, else the reader's own."""
        return str((self.wishes or {}).get("language") or self.subscriber.language)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subscriber}"
