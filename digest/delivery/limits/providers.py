"""Mailbox providers: who they are, and which of them want to be left alone for a while.

A provider that is not left alone after it said "later" accepts less and less. So after a deferral
its digests are set aside, for longer each time, while those for other providers go on.
"""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from digest.models import BackOff
from subscribers.database import execute

# The first pause, the second, and so on; the last one repeats.
PAUSES = tuple(timedelta(seconds=s) for s in (30, 60, 120, 240, 480, 960, 1800))
# How long a worker may rely on what it last saw.
GLANCE = timedelta(seconds=3)

# The large providers, with all the domains whose mail one system of theirs receives. In _COUNTRIES
# the name is followed by a country's ending, as in hotmail.co.uk.
_DOMAINS = {
    "gmail.com": "google",
    "googlemail.com": "google",
    "passport.com": "microsoft",
    "windowslive.com": "microsoft",
    "rocketmail.com": "yahoo",
    "myyahoo.com": "yahoo",
    "aim.com": "yahoo",
    "icloud.com": "apple",
    "me.com": "apple",
    "mac.com": "apple",
    "web.de": "gmx",
    "proton.me": "proton",
    "protonmail.com": "proton",
    "protonmail.ch": "proton",
    "pm.me": "proton",
    "ya.ru": "yandex",
    "mail.ru": "vk",
    "bk.ru": "vk",
    "inbox.ru": "vk",
    "list.ru": "vk",
    "internet.ru": "vk",
    "qq.com": "qq",
    "foxmail.com": "qq",
    "163.com": "netease",
    "126.com": "netease",
    "yeah.net": "netease",
    # Not the company behind yahoo.com.
    "yahoo.co.jp": "yahoo.co.jp",
}
_COUNTRIES = {
    "outlook": "microsoft",
    "hotmail": "microsoft",
    "live": "microsoft",
    "msn": "microsoft",
    "yahoo": "yahoo",
    "ymail": "yahoo",
    "aol": "yahoo",
    "gmx": "gmx",
    "yandex": "yandex",
}
_COUNTRY = re.compile(r"com|net|[a-z]{2}|com?\.[a-z]{2}")


def provider_of(address: str) -> str:
    """The mailbox provider behind an address: a name for the large ones, otherwise its domain.

    Only the domain counts, so a company's own domain hosted by Google is that domain. `address` is
    one plain address in any case.
    """
    domain = address.rpartition("@")[2].strip().rstrip(".").lower()
    if domain in _DOMAINS:
        return _DOMAINS[domain]
    word, _, ending = domain.partition(".")
    if word in _COUNTRIES and _COUNTRY.fullmatch(ending):
        return _COUNTRIES[word]
    return domain


# An SMTP answer as ``outcomes`` words it: "SMTP 421 4.7.28 …". 5xx answers are refusals.
_ANSWER = re.compile(r"SMTP (?P<code>4\d\d)(?: 4\.(?P<subject>\d{1,3})\.\d{1,3})?\b")


def is_throttling(detail: str) -> bool:
    """Whether an answer asks us to slow down for the whole provider, not just for this reader.

    Decided by the enhanced status code (RFC 3463) where there is one: x.1 and x.2 are about the
    address and the mailbox (a full one, say), the others about the system, the network or us.
    Without one, 421, 450, 451 and 452 count as such a request.
    """
    match = _ANSWER.match(detail)
    if match is None:
        return False
    if match["subject"]:
        return match["subject"] not in {"1", "2"}
    return match["code"] in {"421", "450", "451", "452"}


def note_deferral(mail_service: str, provider: str) -> None:
    """Leave a provider alone for about twice as long as last time.

    Deferrals during a pause come from messages that were already under way. They do not double it
    again, so a chunk of fifty deferrals is one failure, and this is safe to repeat.
    """
    execute(
        """
        INSERT INTO digest_backoff AS b (mail_service, provider, failures, not_before)
        VALUES (%(mail_service)s, %(provider)s, 1, now() + (%(pauses)s)[1])
        ON CONFLICT (mail_service, provider) DO UPDATE
        SET failures = least(b.failures + 1, %(most)s),
            not_before = now() + (%(pauses)s)[least(b.failures + 1, %(most)s)]
        WHERE b.not_before <= now()
        """,
        {
            "mail_service": mail_service,
            "provider": provider,
            "pauses": list(PAUSES),
            "most": len(PAUSES),
        },
    )


class Providers:
    """What one process knows about a mail service's pauses, refreshed every few seconds.

    No message costs a query here. Threads may share it. Make a new one for each run.
    """

    def __init__(self, mail_service: str, *, glance: timedelta = GLANCE) -> None:
        self._mail_service = mail_service
        self._glance = glance.total_seconds()
        self._seen = _Seen(looked_at=-math.inf)

    def paused(self) -> Mapping[str, datetime]:
        """The providers to be left alone, each with the end of its pause by the database's clock.

        May be out of date by `glance`, in either direction.
        """
        return self._look().paused

    def note_deferral(self, provider: str) -> None:
        """Note that a provider asked us to wait; see the function of this name."""
        note_deferral(self._mail_service, provider)
        self._seen = _Seen(looked_at=-math.inf)

    def note_success(self, provider: str) -> None:
        """Note that a provider took a message, so that its next pause is a short one again.

        A success during a pause changes nothing, because that message was already under way.
        Queries the database only for a provider that had backed off. Safe to repeat.
        """
        seen = self._look()
        if provider in seen.known and provider not in seen.paused:
            BackOff.objects.filter(
                mail_service=self._mail_service, provider=provider, not_before__lte=Now()
            ).delete()
            self._seen = _Seen(looked_at=-math.inf)

    def _look(self) -> "_Seen":
        seen = self._seen
        if time.monotonic() - seen.looked_at >= self._glance:
            looked_at = time.monotonic()
            rows = list(
                BackOff.objects.filter(mail_service=self._mail_service)
                .annotate(is_paused=Q(not_before__gt=Now()))
                .values_list("provider", "not_before", "is_paused")
            )
            self._seen = seen = _Seen(
                looked_at,
                known=frozenset(provider for provider, _, _ in rows),
                paused={provider: until for provider, until, is_paused in rows if is_paused},
            )
        return seen


@dataclass(frozen=True, slots=True)
class _Seen:
    looked_at: float
    known: frozenset[str] = frozenset()
    paused: Mapping[str, datetime] = field(default_factory=dict)


def tidy(*, age: timedelta = timedelta(days=1)) -> int:
    """Forget back-offs that ended `age` ago. Returns how many. Safe to repeat.

    Otherwise domains that never accept mail would be checked forever.
    """
    return BackOff.objects.filter(not_before__lt=Now() - age).delete()[0]
