from typing import ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from .topic import Subscription, Topic


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    def active(self) -> Self:
        """Readers who have confirmed and not left, including those who paused their digests."""
        return self.filter(state=Subscriber.State.ACTIVE)


class Subscriber(models.Model):
    """An address that asked for digests, and the preferences that go with it.

    `address_hash` is the keyed hash of the canonical address (``addresses.hashed``). It makes the
    address unique and joins to `Suppression`, which stores no address. `next_due_at` is set
    whenever something it depends on changes (``schedule.next_due``); it is empty unless the
    subscriber is active.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending: not confirmed yet"
        ACTIVE = "active", "Active"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"

    class Frequency(models.TextChoices):
        DAILY = "daily", "Every day"
        WEEKDAYS = "weekdays", "Monday to Friday"
        WEEKLY = "weekly", "Once a week"

    class Weekday(models.IntegerChoices):
        MONDAY = 0, "Monday"
        TUESDAY = 1, "Tuesday"
        WEDNESDAY = 2, "Wednesday"
        THURSDAY = 3, "Thursday"
        FRIDAY = 4, "Friday"
        SATURDAY = 5, "Saturday"
        SUNDAY = 6, "Sunday"

    email = models.EmailField(max_length=320)
    new_email = models.EmailField(
        max_length=320,
        blank=True,
        db_default="",
        editable=False,
        help_text="Requested, but not confirmed yet.",
    )
    address_hash = models.CharField(max_length=64, editable=False)
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    topics = models.ManyToManyField(Topic, through=Subscription, related_name="subscribers")

    zone = models.CharField(max_length=64, default="UTC")
    hour = models.PositiveSmallIntegerField(default=7, validators=[MaxValueValidator(23)])
    frequency = models.CharField(max_length=8, choices=Frequency, default=Frequency.DAILY)
    weekday = models.PositiveSmallIntegerField(
        choices=Weekday, default=Weekday.MONDAY, help_text="The day on which weekly digests come."
    )
    length = models.PositiveSmallIntegerField(
        default=10,
        validators=[MinValueValidator(3), MaxValueValidator(20)],
        help_text="The maximum number of papers in a digest.",
    )
    language = models.CharField(max_length=7, db_default="en")
    is_exploring = models.BooleanField(
        db_default=True, help_text="Reserve one place in the digest for a paper off the usual path."
    )
    has_pictures = models.BooleanField(
        default=False, db_default=False, help_text="Show the papers' pictures in the mails."
    )
    paused_until = models.DateField(null=True, blank=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    # The reader's own calendar days: a digest's date does not change when its reader moves.
    next_due_on = models.DateField(null=True, blank=True, editable=False)
    last_due_on = models.DateField(null=True, blank=True, editable=False)

    # Counts up when the links that mails already hold must stop working.
    links_generation = models.PositiveSmallIntegerField(db_default=0, editable=False)
    links_epoch = models.CharField(
        max_length=24, default="", editable=False, help_text="Set by links.ensure."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    unsubscribed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The last time anything that the reader wants was set, by a page, a mail or an operator.
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar = SubscriberQuerySet.as_manager()

    class Meta:
        constraints = [
            # A unique *field* of text also gets an index for LIKE, which each digest would pay for.
            models.UniqueConstraint(fields=["address_hash"], name="one_subscriber_an_address")
        ]
        indexes = [
            models.Index(
                fields=["next_due_at", "id"],
                name="subscriber_due",
                condition=models.Q(state="active"),
            ),
            # For lists by state and frequency. Sending hardly touches these rows.
            models.Index(
                fields=["state", "id"],
                name="subscriber_not_active",
                condition=~models.Q(state="active"),
            ),
            models.Index(
                fields=["frequency", "id"],
                name="subscriber_not_daily",
                condition=~models.Q(frequency="daily"),
            ),
        ]
        permissions = [("view_addresses", "Can see readers' addresses, and search by them")]

    def __str__(self) -> str:
        return self.masked_email

    def mark_changed(self) -> None:
        """Note that the reader has just changed what they want."""
        Subscriber.objects.filter(pk=self.pk).update(changed_at=Now())

    @property
    def masked_email(self) -> str:
        """The address as shown to anybody who holds a link: r***@example.org."""
        local, _, domain = self.email.rpartition("@")
        return f"{local[:1]}***@{domain}"
