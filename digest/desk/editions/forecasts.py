"""How the run of an edition would go: composed by the product's own code for a sample of readers.

Operators ask for a forecast, and a task makes it (``tasks``), because it takes a
few seconds. An edition that has not closed is closed for as long as that takes, and nobody sees it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from digest.choosing import trial
from digest.choosing.composing import compose
from digest.delivery.limits.providers import provider_of
from digest.delivery.recipients import COLUMNS, Recipient, from_row
from digest.desk.today.services import ServiceFigures
from digest.models import Digest, Edition, Forecast
from digest.papers import editions
from subscribers.database import Lock, database_now, fetch, only_one

# For so many readers a digest is composed; with fewer, for all of them.
SAMPLE = 400
# How many of the mail domains with the most readers are counted.
DOMAINS = 200
Parameters = Mapping[str, Any]


# --- asking and making ---------------------------------------------------------------------
def ask(day: date, now: datetime) -> Forecast:
    """Ask for a forecast of the edition of `day`. Whoever asks twice gets one."""
    forecast, is_new = Forecast.objects.get_or_create(day=day, defaults={"asked_at": now})
    if not is_new and not forecast.is_awaited:
        Forecast.objects.filter(pk=forecast.pk).update(asked_at=now)
        forecast.asked_at = now
    return forecast


def of(day: date) -> Forecast | None:
    return Forecast.objects.filter(day=day).first()


def make_all() -> int:
    """Make the forecasts that have been asked for and not been made since. Returns how many, 0 if
    somebody else is making them."""
    made = 0
    with only_one(Lock.MAKING_FORECASTS) as is_ours:
        # One that is asked for while it is made is made once more.
        while is_ours and (forecast := _awaited().first()):
            make(forecast, database_now())
            made += 1
    return made


def _awaited() -> QuerySet[Forecast]:
    recent = Q(asked_at__gt=Now() - timedelta(days=1))
    return Forecast.objects.filter(recent, Q(made_at=None) | Q(made_at__lt=F("asked_at")))


def make(forecast: Forecast, now: datetime) -> None:
    until = editions.due_to_close(forecast.day + timedelta(days=1), settings.EDITION_CLOSES_HOUR)
    parameters = {"day": forecast.day, "until": until}
    forecast.out, forecast.domains = _count(parameters)
    forecast.due = forecast.out.pop("", 0)
    papers: Counter[int] = Counter()
    skipped: Counter[str] = Counter()
    with _closed(forecast.day, now) as edition:
        readers = _sample(parameters, Random(forecast.day.toordinal())) if edition else []
        if edition:
            for composed in _compose(edition, readers):
                papers.update(composed.paper_ids)
                skipped.update([composed.skip_reason] if composed.skip_reason else [])
    forecast.sample, forecast.made_at = len(readers), max(now, forecast.asked_at)
    forecast.papers = {str(pk): number for pk, number in papers.items()}
    forecast.skipped = dict(skipped)
    forecast.save(update_fields=["made_at", "due", "sample", "papers", "skipped", "out", "domains"])


def _closed(day: date, now: datetime) -> AbstractContextManager[Edition | None]:
    """The edition of `day`, as if it closed now unless it has."""
    edition = Edition.objects.closed().filter(date=day).first()
    return nullcontext(edition) if edition else editions.as_if_closed(day, now=now)


def _compose(edition: Edition, readers: Sequence[Recipient]) -> Sequence[Any]:
    """Compose for the readers what the edition has for them, also for those who have had it."""
    ids = [reader.subscriber_id for reader in readers]
    had = Digest.objects.filter(subscriber__in=ids, edition=edition)
    own = dict(had.order_by("local_date").values_list("subscriber", "pk"))
    return compose(
        [
            reader.request(own.get(reader.subscriber_id or 0, -number), edition.pk)
            for number, reader in enumerate(readers, start=1)
        ],
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=settings.DIGEST_LEAST_PAPERS,
        challenger=trial.challenger_of(settings.RANKING_TRIAL),
    )


# --- readers -------------------------------------------------------------------------------
# Why a reader gets nothing of the edition of the day, before anything is composed; '' if they are
# due. Those who were due on that day already count as due.
_WHY_OUT = """
    CASE
        WHEN s.state <> 'active' THEN s.state
        WHEN EXISTS (
            SELECT FROM subscribers_suppression x WHERE x.address_hash = s.address_hash
        ) THEN 'suppressed'
        WHEN s.next_due_at < %(until)s OR s.last_due_on >= %(day)s THEN ''
        WHEN s.paused_until > %(day)s THEN 'paused'
        ELSE 'not_due'
    END
"""


def _count(parameters: Parameters) -> tuple[dict[str, int], dict[str, int]]:
    """Count all readers by why they are out, and those due by mail domain. One statement."""
    rows = fetch(
        f"""
        WITH reader AS MATERIALIZED (
            SELECT {_WHY_OUT} AS why, lower(split_part(s.email, '@', 2)) AS domain
            FROM subscribers_subscriber s
        )
        SELECT true, why, count(*) FROM reader GROUP BY why
        UNION ALL (
            SELECT false, domain, count(*) FROM reader WHERE why = ''
            GROUP BY domain ORDER BY count(*) DESC, domain LIMIT %(domains)s
        )
        """,
        {**parameters, "domains": DOMAINS},
    )
    reasons = {name: number for is_reason, name, number in rows if is_reason}
    return reasons, {name: number for is_reason, name, number in rows if not is_reason}


def _sample(parameters: Parameters, chance: Random) -> list[Recipient]:
    """Readers who are due: all, if they are few, and otherwise some at random places.

    However many readers there are, this looks up `SAMPLE` of them.
    """
    few = fetch(f"{_DUE} ORDER BY s.id LIMIT %(limit)s", {**parameters, "limit": SAMPLE + 1})
    if len(few) > SAMPLE:
        ((first, last),) = fetch("SELECT min(id), max(id) FROM subscribers_subscriber")
        places = [chance.randint(first, last) for _ in range(SAMPLE)]
        few = fetch(
            f"""
            SELECT DISTINCT ON (found.id) found.* FROM unnest(%(places)s::bigint[]) place,
                LATERAL ({_DUE} AND s.id >= place ORDER BY s.id LIMIT 1) found
            """,
            {**parameters, "places": places},
        )
    return [from_row(row) for row in few]


_DUE = f"""
    SELECT {COLUMNS} FROM subscribers_subscriber s
    WHERE s.state = 'active' AND ({_WHY_OUT}) = ''
"""


# --- how it would go -----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Run:
    """What a forecast says of the run: how many mails, and how long at the allowed pace.

    `skipped` are the due readers who would get none, by reason. `length` is None where nothing
    limits the pace. `slowest` is the mailbox provider that takes longest, if one does. `quota` is
    what the mail services allow in a day, None without a limit.
    """

    mails: int
    skipped: Mapping[str, int]
    length: timedelta | None
    slowest: str
    quota: int | None


def run_of(forecast: Forecast, services: Sequence[ServiceFigures]) -> Run:
    """Return how the run would go. Numbers from a sample are scaled to all who are due."""
    scale = forecast.due / forecast.sample if forecast.sample else 0
    skipped = {reason: round(number * scale) for reason, number in forecast.skipped.items()}
    mails = max(0, forecast.due - sum(skipped.values())) if forecast.sample else 0
    share = mails / forecast.due if forecast.due else 0
    rates = [service.per_second for service in services]
    total = None if None in rates else sum(rate or 0 for rate in rates)
    length = timedelta(seconds=mails / total) if total else None
    slowest, longest = _slowest(forecast, share, len(services))
    quotas = [service.quota for service in services]
    quota = None if None in quotas else sum(one or 0 for one in quotas)
    if longest and (length is None or longest > length):
        return Run(mails, skipped, longest, slowest, quota)
    return Run(mails, skipped, length, "", quota)


def _slowest(forecast: Forecast, share: float, services: int) -> tuple[str, timedelta]:
    """The mailbox provider with a limit whose readers take longest, and how long."""
    readers: Counter[str] = Counter()
    for domain, number in forecast.domains.items():
        readers[provider_of(f"x@{domain}")] += number
    # Each mail service has the provider's rate for itself.
    times = {
        name: timedelta(seconds=readers[name] * share / (rate * max(services, 1)))
        for name, rate in settings.PROVIDER_PER_SECOND.items()
    }
    slowest = max(times, key=times.__getitem__, default="")
    return slowest, times.get(slowest, timedelta(0))
