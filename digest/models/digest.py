from datetime import timedelta
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext as _


class DigestQuerySet(models.QuerySet["Digest"]):
    def doubtful(self, *, within: timedelta) -> Self:
        """Digests handed over `within` this time that are in doubt or assumed sent, oldest first.

        Their readers may have got nothing. Those in doubt may still be settled; those assumed sent
        only by an event of the mail service.
        """
        states = (Digest.State.UNCERTAIN, Digest.State.ASSUMED)
        recent = self.filter(state__in=states, handed_over_at__gt=Now() - within)
        return recent.order_by("handed_over_at", "id")


class Digest(models.Model):
    """One subscriber's digest of one local date, and what became of it.

    `local_date` is the day in the reader's own calendar on which the digest is due. The pair is
    unique, so anything that runs twice finds the row already there. The row exists from the moment
    the reader is due; `edition` is the newest closed one when it is composed. A row that is READY
    with a `lease_until` in the future is held by the worker that knows `lease_token`; SENDING means
    that the mail service may have it. `paper_ids` and `reasons` (codes, see ``choosing.reasons``)
    are parallel and in order; with `template_version` and `revision` (``Curation``) they are enough
    to render the digest again.
    """

    class State(models.TextChoices):
        READY = "ready", "Ready: waiting for a worker"
        SENDING = "sending", "Sending: being handed over"
        SENT = "sent", "Sent: accepted by the mail service"
        UNCERTAIN = "uncertain", "Uncertain: it may have gone out"
        ASSUMED = "assumed", "Assumed sent: nothing says otherwise"
        SKIPPED = "skipped", "Skipped: we chose not to send it"
        FAILED = "failed", "Failed: the mail service refused it for good"
        DEFERRED = "deferred", "Deferred: the reader's mail server asked to wait"
        DELIVERED = "delivered", "Delivered"
        BOUNCED = "bounced", "Bounced"
        COMPLAINED = "complained", "Complained: reported as spam"

    class SkipReason(models.TextChoices):
        PENDING = "pending", "Not confirmed"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        SUPPRESSED = "suppressed", "The address is suppressed"
        PAUSED = "paused", "Paused by the reader"
        ERASED = "erased", "Erased"
        THIN = "thin", "Too few papers; they wait for the next digest"
        NOTHING_NEW = "nothing_new", "Every paper was in an earlier digest"
        NO_MATCH = "no_match", "No paper on the reader's topics"
        NO_EDITION = "no_edition", "No new edition had closed"
        HELD = "held", "The day's edition was held"
        STOPPED = "stopped", "An operator stopped the run"
        SUPERSEDED = "superseded", "The next day's digest took its place"
        UNLISTED = "unlisted", "Not in MAIL_ONLY_TO: this installation sends to nobody else"
        LATE = "late", "Too late; the papers wait for the next digest"

    # The mail service certainly has these, so their papers never come again.
    SURELY_SENT = (State.SENT, State.DEFERRED, State.DELIVERED, State.COMPLAINED)
    # The mail service accepted these, whatever happened to them later.
    ACCEPTED = (*SURELY_SENT, State.BOUNCED)

    uuid = models.UUIDField(unique=True, db_default=RandomUUID(), editable=False)
    # Each index costs a write at each of a digest's three updates, so there are few: the unique
    # pair below serves as the subscriber's index, and a BRIN finds an edition's rows, which are
    # stored together. PostgreSQL would check the edition row by row in the statement that marks,
    # which took a quarter of its time, with all workers locking the one edition of the day. Nothing
    # deletes an edition that has digests.
    edition = models.ForeignKey(
        "digest.Edition",
        on_delete=models.PROTECT,
        null=True,
        related_name="digests",
        db_index=False,
        db_constraint=False,
    )
    subscriber = models.ForeignKey(
        "subscribers.Subscriber",
        on_delete=models.SET_NULL,
        null=True,
        related_name="digests",
        db_index=False,
    )
    state = models.CharField(max_length=10, choices=State, db_default=State.READY)
    skip_reason = models.CharField(max_length=12, choices=SkipReason, db_default="", blank=True)
    error = models.CharField(max_length=300, db_default="", blank=True)

    local_date = models.DateField()
    due_at = models.DateTimeField(db_default=Now())
    next_attempt_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(db_default=0)
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    paper_ids = ArrayField(models.BigIntegerField(), db_default=[], blank=True)
    reasons = ArrayField(models.CharField(max_length=120), db_default=[], blank=True)
    # For each paper, what each part of the ranking (`ranking.rank.Part`) added to its score, in
    # thousandths, and then the chance with which this paper got this place, 1000 unless it was
    # drawn. With the chances, another ranking can be judged by what readers did with this one.
    contributions = ArrayField(ArrayField(models.SmallIntegerField()), db_default=[], blank=True)
    # In a trial of a ranking (``choosing.trial``): which ranking chose each paper, the challenger's
    # name or "" for the current one. NULL outside a trial.
    chosen_by = ArrayField(models.CharField(max_length=120), null=True, blank=True)
    revision = models.BigIntegerField(db_default=0, editable=False)
    template_version = models.CharField(max_length=12, db_default="", blank=True)
    mail_service = models.CharField(max_length=40, db_default="", blank=True)
    message_id = models.CharField(max_length=300, db_default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    handed_over_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = DigestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "local_date"], name="one_digest_a_reader_and_date"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at", "id"],
                name="digest_ready",
                condition=models.Q(state="ready"),
            ),
            models.Index(
                fields=["lease_until"],
                name="digest_in_doubt",
                condition=models.Q(state__in=["sending", "uncertain"]),
            ),
            BrinIndex(fields=["edition"], name="digest_of_edition", autosummarize=True),
            # Empty, and free, while no ranking is on trial.
            models.Index(
                fields=["edition"],
                name="digest_in_trial",
                condition=models.Q(chosen_by__isnull=False),
            ),
            # For the circuit breaker, and lists of what has gone wrong: the newest of each kind.
            models.Index(
                fields=["state", "handed_over_at"],
                name="digest_went_wrong",
                condition=models.Q(
                    state__in=["failed", "bounced", "complained", "uncertain", "assumed"]
                ),
            ),
        ]

    def __str__(self) -> str:
        return _("Digest %(number)s of %(day)s") % {"number": self.pk, "day": self.local_date}
