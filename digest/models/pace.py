"""The limits' state, shared by all workers on all hosts and changed only in SQL."""

from django.db import models


class Pace(models.Model):
    """When the next message may go to a mail service, or through it to one mailbox provider.

    `key` is the mail service's name, or "mail service/provider".
    """

    key = models.CharField(max_length=300, primary_key=True)
    next_free_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key}: free at {self.next_free_at:%Y-%m-%d %H:%M:%S}"


class DayCount(models.Model):
    """How many messages of a day's quota (UTC) have been taken for a mail service.

    `last_taken` is how many the last statement took; storing it lets one statement both count and
    return that number.
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
    """A mailbox provider that asked us to wait. The row is deleted when it accepts mail again.

    `failures` counts the pauses that did not help; each makes the next one longer.
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


class LastSending(models.Model):
    """When digests were last sent, in one row, and which database it was. Files outside it hold the
    same time, so that a database restored from a backup is found out (``delivery.limits.memory``).
    """

    at = models.DateTimeField()
    # What a copy of this database cannot have as well; "" if that is not known yet.
    place = models.CharField(max_length=80, db_default="", default="")

    def __str__(self) -> str:
        return f"Last sent at {self.at:%Y-%m-%d %H:%M:%S}"


class Turn(models.Model):
    """Whose turn it is on a day (UTC) whose quota is too small for all: the readers whose IDs come
    after `after` up to `until`, in a circle."""

    day = models.DateField(primary_key=True)
    after = models.BigIntegerField()
    until = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}: readers from {self.after} to {self.until}"


class Place(models.Model):
    """A place for one chain of sending tasks. `ring` is the number of the only task that counts."""

    number = models.PositiveIntegerField(primary_key=True)
    ring = models.BigIntegerField()

    def __str__(self) -> str:
        return f"Place {self.number}: task {self.ring}"
