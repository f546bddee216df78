"""The circuit breaker: when too much of what we sent has gone wrong, sending stops.

Going on would cost the domain its reputation, and a person has to find the cause (a bad list of
addresses, a blocked server, a digest that reads like spam). The caller stores the reason as a
``Hold`` without an end.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.db.models.functions import Greatest, Now

from digest.models import Digest, Hold

from . import rates

State = Digest.State
# Not handed over yet, or the outcome is not known yet.
UNSETTLED = (State.READY, State.SENDING)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way in which mails go wrong: the `states` they end in, counted over a `window`.

    Fewer than `fewest` of them are put down to chance, whatever their share.
    """

    states: tuple[str, ...]
    window: timedelta
    words: str
    fewest: int


# Refusals come at once and hard bounces soon, but a reader takes hours to report spam.
REFUSED = Trouble(
    (State.FAILED, State.BOUNCED),
    timedelta(hours=1),
    "mails of the last hour were refused or bounced",
    fewest=1,
)
COMPLAINED = Trouble(
    (State.COMPLAINED,),
    timedelta(days=1),
    "mails of the last day were reported as spam",
    fewest=3,
)


def is_time_to_look(mail_service: str, *, every: timedelta = timedelta(seconds=10)) -> bool:
    """Whether it is this worker's turn to ask `tripped`: one worker of all, once every `every`."""
    turn = rates.reserve(
        f"breaker of {mail_service}",
        1,
        per_second=1 / every.total_seconds(),
        burst=timedelta(0),
        within=timedelta(0),
    )
    return turn is not None


def tripped(
    mail_service: str, *, refused: float = 0.05, complained: float = 0.001, least: int = 100
) -> str | None:
    """Why sending must stop, as a sentence for the hold's reason, or None if it may go on.

    `refused` and `complained` are the largest tolerated shares (above 0, at most 1) of the mails
    handed over within an hour and within a day. Mails from before an operator last released a hold
    do not count, because the same figures would stop us again at once. Below `least` mails nothing
    is concluded. Makes two or three quick queries, changes nothing, and is safe to repeat. The
    large providers ask for complaints below 0.1 %: https://support.google.com/a/answer/81126
    """
    for trouble, limit in ((REFUSED, refused), (COMPLAINED, complained)):
        since = _since(mail_service, trouble.window)
        mails = Digest.objects.filter(mail_service=mail_service, handed_over_at__gt=since)
        bad = mails.filter(state__in=trouble.states).count()
        if bad < trouble.fewest:
            continue
        # Among this many mails the bad ones are within the limit, so counting further is pointless.
        enough = max(math.ceil(bad / limit), least)
        # The newest rows by primary key, which needs no further index.
        settled = mails.exclude(state__in=UNSETTLED).order_by("-pk")
        if reason := reason_to_stop(trouble, bad, settled[:enough].count(), limit, least):
            return reason
    return None


def reason_to_stop(trouble: Trouble, bad: int, mails: int, limit: float, least: int) -> str | None:
    """The sentence when more than the share `limit` of `mails` were `bad`, else None."""
    if bad < trouble.fewest or mails < least or bad <= limit * mails:
        return None
    return (
        f"{_percent(bad / mails)} of the {mails} {trouble.words}; the limit is {_percent(limit)}."
    )


def _since(mail_service: str, window: timedelta) -> datetime:
    since: datetime = Hold.objects.filter(mail_service=mail_service).aggregate(
        since=Greatest(Now() - window, Max("released_at"))
    )["since"]
    return since


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
