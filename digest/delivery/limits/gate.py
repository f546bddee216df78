"""The gate before the hand-over: how many may go now, to whom, and how fast."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings

from subscribers.database import database_now

from . import rates
from .holds import hold_if_used_up
from .lines import Lines
from .memory import Memory
from .providers import Providers
from .rates import Pacer, QuotaShare
from .rotation import PATIENCE, rotation_of_today

# Nobody waits for a turn further off than this; the digests go back and are claimed later.
FAR_OFF = rates.LONGEST_WAIT


@dataclass(frozen=True, slots=True)
class Passed:
    """The gate's answer about a chunk: who may go, at which pace, and who has to wait.

    `waits` says for how long, by digest id. `too_many` are the ids for which nothing is left of the
    day's quota.
    """

    ids: frozenset[int]
    waits: Mapping[int, timedelta]
    too_many: Sequence[int]
    pacer: Pacer
    provider_pacers: Mapping[str, Pacer]
    taken: QuotaShare

    @property
    def is_paced(self) -> bool:
        """Whether any of them may have to wait for their turn."""
        return self.pacer.is_limited or bool(self.provider_pacers)

    def wait_for_turn(self, provider: str) -> None:
        """Sleep until the next message may go, which is for a reader at `provider`."""
        self.pacer.wait_for_turn()
        if provider in self.provider_pacers:
            self.provider_pacers[provider].wait_for_turn()


@dataclass(slots=True)
class _Sorting:
    """A chunk on its way through the gate: who may still go, and who waits."""

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
        self._per_second = rates.limit_of(settings.MAIL_PER_SECOND, mail_service)
        self._provider_rates: Mapping[str, float] = settings.PROVIDER_PER_SECOND
        self._quota = _quota_of(mail_service)
        total = _total_quota(mail_service)
        self._rotation = rotation_of_today(total)
        self._share = (self._quota or 0) / total if total else 0.0
        self.providers = Providers(mail_service)
        self.lines = Lines()
        self._memory = Memory()

    @property
    def chunk_size(self) -> int:
        """Digests to a chunk. A chunk that takes long would also be in doubt for long."""
        return self._soon(settings.DELIVERY_CHUNK)

    @property
    def batch_size(self) -> int:
        """Digests to a claim. Those that have to wait are kept from other mail services."""
        return self._soon(settings.DELIVERY_BATCH)

    def _soon(self, number: int) -> int:
        """`number`, or fewer if that many cannot go out within a few seconds."""
        if self._per_second is None:
            return number
        return max(1, min(number, int(self._per_second * 5)))

    def admit(self, providers: Mapping[int, str]) -> Passed:
        """Decide which digests of a chunk may go now, given each one's mailbox provider by id.

        Returns when the first of them may be handed over. For digests that are not sent after all,
        the quota can be returned (`give_back`), but the turns are lost.
        """
        chunk = _Sorting(dict(providers))
        for provider, ids in chunk.by_provider().items():
            if until := self.providers.paused().get(provider):
                chunk.set_aside(ids, until - database_now())
        taken, too_many = self._take_quota(chunk)
        for pk in too_many:
            del chunk.providers[pk]
        provider_pacers = self._provider_pacers(chunk)
        pacer = self._pacer(chunk)
        self._give_back(taken, taken.number - len(chunk.providers))
        pacer.wait_for_start()
        self._memory.note_sending()
        return Passed(
            frozenset(chunk.providers),
            chunk.waits,
            too_many,
            pacer,
            provider_pacers,
            taken,
        )

    def give_back(self, passed: Passed, number: int) -> None:
        """Return the quota of `number` digests that passed and were not sent after all."""
        self._give_back(passed.taken, number)

    def hold_if_used_up(self) -> bool:
        """Hold the mail service until tomorrow if nothing is left of its quota. Returns whether it
        is held. Meanwhile a sender may have given back a part of its share."""
        return self._quota is not None and hold_if_used_up(self.mail_service, self._quota)

    def _give_back(self, taken: QuotaShare, number: int) -> None:
        if self._rotation:
            self._rotation.to_come += number
        rates.give_back(taken, number)

    def _take_quota(self, chunk: _Sorting) -> tuple[QuotaShare, Sequence[int]]:
        """Take a share of the quota, first for those who have the turn today.

        Returns it, and those for whom nothing is left. Those for whom there may be something later,
        if the others do not use it up, are set aside.
        """
        ids = list(chunk.providers)
        rotation = self._rotation
        others = rotation.without_turn(ids) if rotation else set()
        with_turn = [pk for pk in ids if pk not in others]
        taken = rates.take_quota(self.mail_service, len(with_turn), quota=self._quota)
        too_many = with_turn[taken.number :]
        if rotation is None or self._quota is None:
            return taken, too_many
        rotation.to_come -= taken.number
        reserve = rotation.reserve(self._share)
        rest = rates.take_quota(self.mail_service, len(others), quota=max(self._quota - reserve, 0))
        left_out = sorted(others)[rest.number :]
        if reserve and not too_many:
            chunk.set_aside(left_out, min(PATIENCE, rates.until_new_quota()))
        else:
            too_many += left_out
        return QuotaShare(self.mail_service, taken.day, taken.number + rest.number), too_many

    def _provider_pacers(self, chunk: _Sorting) -> Mapping[str, Pacer]:
        pacers = {}
        for provider, ids in chunk.by_provider().items():
            rate = self._provider_rates.get(provider)
            if rate is None:
                continue
            # Only as many as have their turn soon, so that nobody else waits behind them.
            most = max(1, int(rate * FAR_OFF.total_seconds()))
            chunk.set_aside(ids[most:], FAR_OFF)
            key, number = f"{self.mail_service}/{provider}", min(len(ids), most)
            wait = rates.reserve(key, number, per_second=rate)
            if wait is None:
                chunk.set_aside(ids[:most], FAR_OFF)
            else:
                pacers[provider] = Pacer(wait, per_second=rate)
        return pacers

    def _pacer(self, chunk: _Sorting) -> Pacer:
        number = len(chunk.providers)
        wait = (
            rates.reserve(self.mail_service, number, per_second=self._per_second)
            if number
            else timedelta(0)
        )
        if wait is None:
            chunk.set_aside(chunk.providers, FAR_OFF)
        return Pacer(wait or timedelta(0), per_second=self._per_second)


def _quota_of(mail_service: str) -> int | None:
    return rates.quota_of(
        rates.day_of_service(mail_service),
        settings.MAIL_WARM_UP,
        rates.limit_of(settings.MAIL_PER_DAY, mail_service),
    )


def _total_quota(mail_service: str) -> int | None:
    """The quota of all mail services together, or None if one of them has none."""
    quotas = [_quota_of(name) for name in {mail_service, *settings.MAIL_SERVICES}]
    return None if None in quotas else sum(quota or 0 for quota in quotas)
