"""What other people's programs may do (tokens), and what they are told (webhooks).

A `Notice` is something that happened, written in the transaction in which it does: triggers of the
database see what is stored about consent, suppressions, editions and holds, whoever stores it, and
Python calls `Notice.note` for the rest. Both add a `Call` for each endpoint that wants to know.
Nothing is written while no endpoint does. No row here has an address in it.
"""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from subscribers.database import execute

# So that a key that got lost can be found, by people and by programs that look for such.
KEY_BEGINS = "bs_"


class Scope(models.TextChoices):
    """What a token may do. Each is asked for by name in `digest.api`."""

    READ_SUBSCRIBERS = "read:subscribers", _("see readers and their preferences")
    READ_ADDRESSES = "read:addresses", _("see and search whole mail addresses")
    WRITE_SUBSCRIBERS = "write:subscribers", _("sign up, change, unsubscribe, suppress, erase")
    READ_TOPICS = "read:topics", _("see topics")
    WRITE_TOPICS = "write:topics", _("create and change topics")
    READ_EDITIONS = "read:editions", _("see editions, their papers and figures")
    READ_DIGESTS = "read:digests", _("see what became of digests")
    READ_EVENTS = "read:events", _("see what the mail services reported")


def new_key() -> tuple[str, str, str]:
    """Return a new key, its hash and its hint. The key is random enough to need no slow hash."""
    key = KEY_BEGINS + secrets.token_urlsafe(32)
    return key, hash_of_key(key), key[:8]


def hash_of_key(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


class Token(models.Model):
    """A key to the API. Only its hash is stored, and `hint`, the letters that it begins with."""

    name = models.CharField(max_length=60, help_text=_("Which program uses it, and where."))
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Leave empty for a token that does not expire.")
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class Kind(models.TextChoices):
    """What an endpoint can be told of."""

    CONFIRMED = "subscriber.confirmed", _("somebody confirmed their sign-up")
    RESUMED = "subscriber.resumed", _("somebody undid their unsubscription")
    UNSUBSCRIBED = "subscriber.unsubscribed", _("somebody unsubscribed, or was")
    SUPPRESSED = "subscriber.suppressed", _("an address was suppressed")
    ERASED = "subscriber.erased", _("somebody had their data erased")
    BOUNCED = "digest.bounced", _("a digest bounced")
    COMPLAINED = "digest.complained", _("a digest was reported as spam")
    CLOSED = "edition.closed", _("an edition closed")
    RUN_FINISHED = "edition.run_finished", _("the last digest of an edition is settled")
    HELD = "hold.placed", _("sending was held")
    RELEASED = "hold.released", _("a hold was released")


class Endpoint(models.Model):
    """A URL that is told what happens.

    Its secret is not stored: it is computed from LINK_KEY and `salt`, so that a copy of the
    database signs nothing. After a rotation the former one signs as well, until `former_until`.
    """

    name = models.CharField(max_length=60, help_text=_("Which program listens there."))
    url = models.URLField(max_length=500, help_text=_("It must begin with https://."))
    kinds = ArrayField(models.CharField(max_length=24, choices=Kind), verbose_name=_("events"))
    includes_addresses = models.BooleanField(
        default=False,
        help_text=_("Send the reader’s mail address along. Without this it gets numbers only."),
    )
    is_on = models.BooleanField(default=True, help_text=_("Uncheck to tell it nothing more."))
    salt = models.CharField(max_length=43, editable=False)
    former_salt = models.CharField(max_length=43, blank=True, editable=False)
    former_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Since the last success: how many attempts failed in a row, since when, and until when it is
    # left in peace.
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    wait_until = models.DateTimeField(null=True, editable=False)
    succeeded_at = models.DateTimeField(null=True, editable=False)
    # Why we stopped calling it ourselves.
    disabled_because = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """Something that happened. `data` has ids, never addresses; `subscriber_id` is no foreign key,
    so that it outlives an erased reader. Of those with the same `once` there is one."""

    uuid = models.UUIDField(unique=True, db_default=RandomUUID(), editable=False)
    kind = models.CharField(max_length=24)
    at = models.DateTimeField(db_default=Now(), db_index=True)
    subscriber_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)
    once = models.CharField(max_length=60, null=True, unique=True)  # noqa: DJ001  # one without

    def __str__(self) -> str:
        return self.kind

    @staticmethod
    def note(
        kind: Kind, data: dict[str, Any], *, subscriber: int | None = None, once: str | None = None
    ) -> None:
        """Store that this happened, with a call for each endpoint that wants to know."""
        execute(
            "SELECT digest_note(%s, %s, %s::jsonb, now(), %s)",
            [kind.value, subscriber, json.dumps(data), once],
        )


class CallQuerySet(models.QuerySet["Call"]):
    def waiting(self) -> Self:
        """Calls that are neither delivered nor given up."""
        return self.filter(delivered_at=None, given_up_at=None)


class Call(models.Model):
    """A notice for one endpoint: an outbox row. It arrives at least once; its receiver knows
    another copy by the notice's id."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="calls")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="calls")
    since = models.DateTimeField(db_default=Now())
    next_attempt_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(db_default=0, default=0)
    delivered_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)

    objects: ClassVar = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook call")
        verbose_name_plural = _("webhook calls")
        constraints = [
            models.UniqueConstraint(fields=["notice", "endpoint"], name="one_call_an_endpoint")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "id"],
                name="call_waiting",
                condition=models.Q(delivered_at=None, given_up_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.notice.kind} to {self.endpoint}"

    def in_words(self) -> str:
        """What became of it."""
        if self.delivered_at:
            return gettext("delivered")
        if self.given_up_at:
            return gettext("given up")
        return gettext("tried again later") if self.attempts else gettext("waiting")


class Attempt(models.Model):
    """One request to an endpoint, and the beginning of its answer, if there was one."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    answer = models.CharField(max_length=500, blank=True)
    error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return str(self.status or self.error)
