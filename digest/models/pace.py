"""The rows that hold the limits: shared by all workers on all hosts, and moved by SQL only."""

from django.db import models


class Pace(models.Model):
    """When the next message is free to go, for a mail service or one provider behind it.

    `key` is the mail service's name, or "mail service/provider".
    """

    key = models.CharField(max_length=300, primary_key=True)
    next_free_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key}: free at {self.next_free_at:%Y-%m-%d %H:%M:%S}"


class DayCount(models.Model):
    """How many messages a mail service was to be given on a day (UTC) that had a quota.

    `last_taken` is how many the last of them were, which lets one statement both count and
    answer.
    """

    mail_service = models.CharField(max_length=40)
    day = models.DateField()
    number = models.PositiveIntegerField()
    last_taken = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mail_service", "day"], name="one_count_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.mail_service} on {self.day:%Y-%m-%d}: {self.number}"


class BackOff(models.Model):
    """A mailbox provider that asked us to wait; the row goes when it takes mail again.

    `failures` counts the pauses that did not help, so that the next one is longer.
    """

    mail_service = models.CharField(max_length=40)
    provider = models.CharField(max_length=253)
    failures = models.PositiveSmallIntegerField()
    not_before = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mail_service", "provider"], name="one_back_off_a_provider"
            )
        ]

    def __str__(self) -> str:
        return f"{self.mail_service} to {self.provider}: not before {self.not_before:%H:%M:%S}"
