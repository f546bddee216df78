"""The gate before the hand-over: how many may go now, to whom, and how fast."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings

from subscribers.database import database_now

from . import rates
from .providers import Providers
from .rates import Pace, Taken

Limit = TypeVar("Limit", int, float)
# A turn further off than this is not waited for; the digests go back and are claimed later.
FAR_OFF = rates.LONGEST_WAIT


@dataclass(frozen=True, slots=True)
class Passed:
    """What came of a chunk at the gate: who may go, at which pace, and who has to wait.

    `waits` maps the ids of those who have to wait to how long. `too_many` are those for whom
    nothing is left of the day's quota, which begins anew after `quota_wait`.
    """

    ids: frozenset[int]
    waits: Mapping[int, timedelta]
    too_many: Sequence[int]
    quota_wait: timedelta
    pace: Pace
    provider_paces: Mapping[str, Pace]
    taken: Taken

    @property
    def is_paced(self) -> bool:
        """Whether any of them may have to wait for their turn."""
        return self.pace.is_limited or bool(self.provider_paces)

    def wait_for_turn(self, provider: str) -> None:
        """Sleep until the next message, which is for a reader at `provider`, may go."""
        self.pace.wait_for_turn()
        if provider in self.provider_paces:
            self.provider_paces[provider].wait_for_turn()


@dataclass(slots=True)
class _Sorting:
    """A chunk while it passes the gate: who is still to go, and who waits."""

    providers: dict[int, str]
    waits: dict[int, timedelta] = field(default_factory=dict)

    def set_aside(self, ids: Iterable[int], wait: timedelta) -> None:
        for pk in list(ids):
            del self.providers[pk]
            self.waits[pk] = wait

    def by_provider(self) -> Mapping[str, Sequence[int]]:
        grouped: dict[str, list[int]] = defaultdict(list)
        for pk, provider in self.providers.items():
            grouped[provider].append(pk)
        return grouped


class Gate:
    """The limits of one mail service, for one run of a worker. Threads may share it."""

    def __init__(self, mail_service: str) -> None:
        self.mail_service = mail_service
        self._per_second = _of_service(settings.MAIL_PER_SECOND, mail_service)
        self._provider_rates: Mapping[str, float] = settings.PROVIDER_PER_SECOND
        self._quota = rates.quota_of(
            rates.day_of_service(mail_service),
            settings.MAIL_WARM_UP,
            _of_service(settings.MAIL_PER_DAY, mail_service),
        )
        self.providers = Providers(mail_service)

    @property
    def chunk_size(self) -> int:
        """A chunk that takes long is long in doubt."""
        return self._soon(settings.DELIVERY_CHUNK)

    @property
    def batch_size(self) -> int:
        """What is claimed and has to wait keeps other mail services from their work."""
        return self._soon(settings.DELIVERY_BATCH)

    def _soon(self, number: int) -> int:
        """`number`, but no more than may go out within a few seconds."""
        if self._per_second is None:
            return number
        return max(1, min(number, int(self._per_second * 5)))

    def admit(self, providers: Mapping[int, str]) -> Passed:
        """Who of a chunk may go now. `providers` maps each digest's id to its reader's provider.

        Returns when the first of them may be handed over. What it took of quota and rate for
        digests that are then not sent is given back by `give_back` (quota) or lost (rate).
        """
        chunk = _Sorting(dict(providers))
        for provider, ids in chunk.by_provider().items():
            if until := self.providers.paused().get(provider):
                chunk.set_aside(ids, until - database_now())
        taken = rates.take_quota(self.mail_service, len(chunk.providers), quota=self._quota)
        too_many = list(chunk.providers)[taken.number :]
        quota_wait = _until_midnight(database_now()) if too_many else timedelta(0)
        for pk in too_many:
            del chunk.providers[pk]
        paces = self._provider_paces(chunk)
        pace = self._pace(chunk)
        rates.give_back(taken, taken.number - len(chunk.providers))
        pace.wait_for_start()
        return Passed(
            frozenset(chunk.providers), chunk.waits, too_many, quota_wait, pace, paces, taken
        )

    def give_back(self, passed: Passed, number: int) -> None:
        """`number` of those who passed were not sent after all."""
        rates.give_back(passed.taken, number)

    def _provider_paces(self, chunk: _Sorting) -> Mapping[str, Pace]:
        paces = {}
        for provider, ids in chunk.by_provider().items():
            rate = self._provider_rates.get(provider)
            if rate is None:
                continue
            # No more than have their turn soon: nobody else should wait behind them.
            most = max(1, int(rate * FAR_OFF.total_seconds()))
            chunk.set_aside(ids[most:], FAR_OFF)
            key, number = f"{self.mail_service}/{provider}", min(len(ids), most)
            wait = rates.reserve(key, number, per_second=rate)
            if wait is None:
                chunk.set_aside(ids[:most], FAR_OFF)
            else:
                paces[provider] = Pace(wait, per_second=rate)
        return paces

    def _pace(self, chunk: _Sorting) -> Pace:
        number = len(chunk.providers)
        wait = (
            rates.reserve(self.mail_service, number, per_second=self._per_second)
            if number
            else timedelta(0)
        )
        if wait is None:
            chunk.set_aside(chunk.providers, FAR_OFF)
        return Pace(wait or timedelta(0), per_second=self._per_second)


def _of_service(limit: Mapping[str, Limit], mail_service: str) -> Limit | None:
    """The service's own limit, or the one that stands without a name; None is no limit."""
    return limit.get(mail_service, limit.get(""))


def _until_midnight(now: datetime) -> timedelta:
    """The time that is left of the day, in UTC: tomorrow has a quota of its own."""
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return tomorrow - now
