"""What can be particular to one mail service, and what holds for one that says nothing special."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import requests
from anymail.exceptions import AnymailAPIError

from digest.delivery.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A digest that the mail service is asked about.

    `is_settled`: it was handed over so long ago that the service would surely list it by now.
    """

    digest_id: int
    uuid: UUID
    attempts: int
    handed_over_at: datetime
    is_settled: bool


# Asks the service about each digest: SENT, RETRY (the service surely lacks it) or UNCERTAIN. Raises
# requests' exceptions, and LookupError, TypeError or ValueError for an answer that is not what the
# service documents. The second argument is anymail's backend, which has the address and the key.
LookUp = Callable[[requests.Session, Any, Sequence[Doubtful]], Iterator[tuple[Doubtful, Outcome]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """One mail service's peculiarities. Everything but the name may be left out.

    `name`       anymail's name for it (`esp_name`); also what its webhooks are recorded under
    `outcome_of` what an error of its API means, where it means something other than its HTTP
                 status says; None leaves it to the status
    `look_up`    how to ask it whether it has a message
    `soft_bounces`  by key of its raw event, the values that mean "may work later"; anymail calls
                 hard and soft bounces alike "bounced"
    """

    name: str
    outcome_of: Callable[[AnymailAPIError], Outcome | None] = lambda _: None
    look_up: LookUp | None = None
    soft_bounces: Mapping[str, frozenset[str]] | None = None

    def is_soft_bounce(self, raw: Mapping[str, Any]) -> bool:
        """Whether this raw event says that the bounce may be a passing one."""
        return any(_value(raw, key) in soft for key, soft in (self.soft_bounces or {}).items())


def _value(raw: Mapping[str, Any], key: str) -> Any:
    """A value of the raw event, or of a level below it (SES nests its values)."""
    nested = [value for value in raw.values() if isinstance(value, dict)]
    return next((level[key] for level in [raw, *nested] if key in level), None)
