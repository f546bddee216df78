from django.db import models
from django.utils import timezone


class Consent(models.Model):
    """What was agreed to or withdrawn, when, and by which act. Only ever added to, but for the
    reason.

    It outlives the subscriber, because it is the proof that we were asked.
    """

    class Act(models.TextChoices):
        ASKED = "asked", "Asked for digests"
        CONFIRMED = "confirmed", "Confirmed by the link in the mail"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed on the page"
        ONE_CLICK = "one_click", "Unsubscribed by one click in the mail program"
        BY_MAIL = "by_mail", "Unsubscribed by a mail"
        RESUMED = "resumed", "Took the unsubscribing back"
        CHANGED = "changed", "Confirmed a new address"
        REFUSED = "refused", "Said that it was somebody else who signed up"
        ERASED = "erased", "Had everything erased"
        COMPLAINED = "complained", "Reported a mail as spam"

    class Reason(models.TextChoices):
        TOO_MANY = "too_many", "Too many mails"
        NOT_FOR_ME = "not_for_me", "Not the papers I want"
        NEVER_ASKED = "never_asked", "I never asked for it"
        OTHER = "other", "Something else"

    subscriber = models.ForeignKey(
        "subscribers.Subscriber", on_delete=models.SET_NULL, null=True, related_name="consents"
    )
    address_hash = models.CharField(max_length=64, db_index=True)
    act = models.CharField(max_length=12, choices=Act)
    wording = models.CharField(
        max_length=40, blank=True, help_text="The version of the words that were agreed to."
    )
    reason = models.CharField(
        max_length=12, choices=Reason, blank=True, help_text="Why they left, if they said so."
    )
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.act} at {self.at:%Y-%m-%d %H:%M}"
