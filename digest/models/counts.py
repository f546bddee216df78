"""Small sums of large tables, so that no page counts a million rows.

Triggers of the database (in the migrations) add a row for each statement that changes a number, in
the same transaction and whoever makes it. So the sum over these rows always agrees with the rows
that are counted. Nobody waits: rows are only added. `fold` joins them later.
"""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from subscribers.database import execute

# Younger rows also tell how fast things go, and are left alone.
FRESH = timedelta(minutes=2)
# Of a day's rows, more than these and twice as many as there are kinds are worth joining. What
# changes about days longer ago is rare.
_FEW = 50
_DAYS = 40


class _Count(models.Model):
    """`number` is by how much it changed; `at` is when, or the last time if it was joined."""

    at = models.DateTimeField(db_default=Now())
    day = models.DateField()
    number = models.IntegerField()

    # What rows have in common that are joined.
    keys: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.number:+} on {self.day:%Y-%m-%d}"

    @classmethod
    def fold(cls) -> int:
        """Join rows of the same day and kind. Returns how many there were. Changes no sum, waits
        for nobody, and is safe to repeat."""
        table, keys = cls._meta.db_table, ", ".join(("day", *cls.keys))
        return execute(
            f"""
            WITH old AS (
                DELETE FROM {table} WHERE id IN (
                    SELECT id FROM {table} WHERE at < now() - %(fresh)s AND day IN (
                        SELECT day FROM {table} WHERE day > current_date - %(days)s GROUP BY day
                        HAVING count(*) > %(few)s + 2 * count(DISTINCT ({keys}))
                    )
                    FOR UPDATE SKIP LOCKED
                )
                RETURNING at, {keys}, number
            ), joined AS (
                INSERT INTO {table} (at, {keys}, number)
                SELECT max(at), {keys}, sum(number) FROM old
                GROUP BY {keys} HAVING sum(number) <> 0
            )
            SELECT FROM old
            """,
            {"fresh": FRESH, "few": _FEW, "days": _DAYS},
        )


class DigestCount(_Count):
    """How many digests are in a state. `day` is their local date; `edition` is the edition's ID."""

    edition = models.BigIntegerField(null=True)
    mail_service = models.CharField(max_length=40)
    state = models.CharField(max_length=10)
    skip_reason = models.CharField(max_length=12)

    keys = ("edition", "mail_service", "state", "skip_reason")

    class Meta:
        indexes = [
            models.Index(fields=["day", "at"], name="digest_count_of_day"),
            models.Index(fields=["edition"], name="digest_count_of_edition"),
        ]


class ConsentCount(_Count):
    """How many readers did what on a day (UTC): see ``subscribers.models.Consent``."""

    act = models.CharField(max_length=12)
    reason = models.CharField(max_length=12)

    keys = ("act", "reason")

    class Meta:
        indexes = [models.Index(fields=["day"], name="consent_count_of_day")]


class FeedbackCount(_Count):
    """How many readers voted on a paper from a mail, or clicked on it, on a day (UTC)."""

    class Kind(models.TextChoices):
        MORE = "more", "More like this"
        LESS = "less", "Less like this"
        CLICK = "click", "Opened"

    paper = models.BigIntegerField()
    kind = models.CharField(max_length=5, choices=Kind)

    keys = ("paper", "kind")

    class Meta:
        indexes = [models.Index(fields=["day"], name="feedback_count_of_day")]


def fold() -> None:
    """Join the rows of all counts."""
    for counted in (DigestCount, ConsentCount, FeedbackCount):
        counted.fold()
