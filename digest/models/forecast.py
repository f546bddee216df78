"""What operators ask for around a run: how it would go, mails to try, and another try for some."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Forecast(models.Model):
    """How the run of an edition would go, as of `made_at`, composed for a sample of readers.

    Asked for by setting `asked_at`; whoever finds it later than `made_at` makes it anew. `sample`
    readers of the `due` ones were composed for. `papers` maps a paper's id (a string, as JSON keys
    are) to how many of them would get it, `skipped` the reasons of those who would get none to
    how many. `out` says how many of all readers are not due, or must not be written to, and why.
    `domains` counts the due readers of the most frequent mail domains.
    """

    day = models.DateField(unique=True, help_text="The edition's.")
    asked_at = models.DateTimeField(db_default=Now())
    made_at = models.DateTimeField(null=True, blank=True)
    due = models.PositiveIntegerField(db_default=0)
    sample = models.PositiveIntegerField(db_default=0)
    papers = models.JSONField(default=dict)
    skipped = models.JSONField(default=dict)
    out = models.JSONField(default=dict)
    domains = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Forecast for {self.day:%Y-%m-%d}"

    @property
    def is_awaited(self) -> bool:
        """Whether it has been asked for and is not made yet."""
        return self.made_at is None or self.asked_at > self.made_at


class SampleMail(models.Model):
    """One press of the button that sends test mails: what is pressed twice is sent once."""

    key = models.UUIDField(unique=True)
    number = models.PositiveSmallIntegerField(help_text="Of addresses; they are not stored.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.number} test mails at {self.at:%Y-%m-%d %H:%M}"


class CatchUp(models.Model):
    """An operator's wish that digests which did not go out get another try, done batch by batch.

    `after` is the reader, or of `REFUSED` the digest, up to which it is done, and `number` how many
    digests are ready again.
    """

    class Kind(models.TextChoices):
        MISSED = "missed", "Those who did not get it"
        REFUSED = "refused", "Those that were refused"

    kind = models.CharField(max_length=8, choices=Kind)
    edition = models.ForeignKey(
        "digest.Edition", on_delete=models.CASCADE, null=True, related_name="catch_ups"
    )
    asked_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True, blank=True)
    after = models.BigIntegerField(db_default=0)
    number = models.PositiveIntegerField(db_default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "edition"], name="one_catch_up_of_a_kind", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.number}"
