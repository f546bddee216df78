from django.db import models
from django.utils import timezone


class Consent(models.Model):
    """What a reader agreed to or withdrew, when, and by which act.

    Rows are only ever added; a reason may be filled in later. They outlive the subscriber, because
    they prove that somebody asked for our mail.
    """

    class Act(models.TextChoices):
        ASKED = "asked", "Asked for digests"
        CONFIRMED = "confirmed", "Confirmed by the link in the mail"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed on the page"
        ONE_CLICK = "one_click", "Unsubscribed with one click in the mail program"
        BY_MAIL = "by_mail", "Unsubscribed by sending a mail"
        BY_PROGRAM = "by_program", "Was unsubscribed by another program"
        RESUMED = "resumed", "Undid the unsubscription"
        CHANGED = "changed", "Confirmed a new address"
        REFUSED = "refused", "Said that somebody else had signed up"
        ERASED = "erased", "Had their data erased"
        COMPLAINED = "complained", "Reported a mail as spam"
        IMPORTED = "imported", "Had subscribed with another system"
        LEFT_BEFORE = "left_before", "Had left another system"

    class Reason(models.TextChoices):
        TOO_MANY = "too_many", "Too many emails"
        NOT_FOR_ME = "not_for_me", "Not the papers I want"
        NEVER_ASKED = "never_asked", "I never asked for it"
        OTHER = "other", "Another reason"

    subscriber = models.ForeignKey(
        "subscribers.Subscriber", on_delete=models.SET_NULL, null=True, related_name="consents"
    )
    address_hash = models.CharField(max_length=64)
    act = models.CharField(max_length=12, choices=Act)
    wording = models.CharField(
        max_length=40, blank=True, help_text="The version of the consent text."
    )
    reason = models.CharField(
        max_length=12, choices=Reason, blank=True, help_text="Why the reader left, if they told us."
    )
    at = models.DateTimeField(default=timezone.now)
    # PostgreSQL would look the one import up for each of its readers. Nothing deletes imports.
    imported_with = models.ForeignKey(
        "subscribers.Import",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        indexes = [
            # An index on a *field* of text comes with one for LIKE.
            models.Index(fields=["address_hash"], name="consent_of_address"),
            models.Index(
                fields=["imported_with", "subscriber"],
                name="consent_imported_with",
                condition=models.Q(imported_with__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.get_act_display()}"
