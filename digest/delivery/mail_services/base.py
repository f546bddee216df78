"""What can be particular to one mail service, and what holds for one that says nothing special."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import requests

from digest.delivery.outcomes import Meaning, Outcome

from .bounces import Bounces


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
    `refusals`   what the codes in an error of its API are about, or its HTTP statuses ("HTTP 404");
                 what is missing here is told by the status and the words
    `look_up`    how to ask it whether it has a message
    `bounces`    how to tell hard bounces, soft ones and blocks apart in its events; anymail calls
                 all of them "bounced"
    """

    name: str
    refusals: Mapping[str, Meaning] = field(default_factory=dict)
    look_up: LookUp | None = None
    bounces: Bounces = field(default_factory=Bounces)
