"""The mail services: what holds them, what is left of the day's quota, and who wants a pause."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models.functions import Now

from digest.delivery import routing
from digest.delivery.limits import rates
from digest.models import BackOff, Hold
from subscribers.database import fetch


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """One mail service. `per_second` is its limit, None if there is none, as is `quota`."""

    name: str
    holds: Sequence[Hold]
    quota: int | None
    used: int
    per_second: float | None
    back_offs: Sequence[BackOff]

    @property
    def left(self) -> int | None:
        return None if self.quota is None else max(0, self.quota - self.used)


def active_holds() -> Sequence[Hold]:
    """Return the holds that apply now, those of all services and those without an end first."""
    return sorted(
        Hold.objects.active().select_related("restoration"),
        key=lambda hold: (hold.mail_service != "", hold.until is not None, hold.created_at),
    )


def look(holds: Sequence[Hold]) -> Sequence[ServiceFigures]:
    """Return the figures of each configured service, given the `active_holds`."""
    names = routing.names()
    used, days = _days(names)
    back_offs: Mapping[str, list[BackOff]] = defaultdict(list)
    for one in BackOff.objects.filter(not_before__gt=Now()).order_by("provider"):
        back_offs[one.mail_service].append(one)
    return [
        ServiceFigures(
            name,
            [hold for hold in holds if hold.mail_service in ("", name)],
            rates.quota_of(
                days[name], settings.MAIL_WARM_UP, rates.limit_of(settings.MAIL_PER_DAY, name)
            ),
            used[name],
            rates.limit_of(settings.MAIL_PER_SECOND, name),
            back_offs[name],
        )
        for name in names
    ]


def _days(names: Sequence[str]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How many were taken of today's quota, and on how many days before today, by service."""
    used, days = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    rows = fetch(
        """
        SELECT mail_service,
            coalesce(sum(number) FILTER (WHERE day = (now() AT TIME ZONE 'UTC')::date), 0)::bigint,
            count(*) FILTER (WHERE number > 0 AND day < (now() AT TIME ZONE 'UTC')::date)
        FROM digest_daycount WHERE mail_service = ANY(%s) GROUP BY mail_service
        """,
        [list(names)],
    )
    for name, taken, earlier in rows:
        used[name], days[name] = taken, earlier
    return used, days
