"""The circuit breaker: when too much of what we sent went wrong, sending stops by itself.

To go on would cost the domain its reputation, and what is wrong (a spoilt list of addresses, a
blocked server, a digest that reads like spam) is for a person to find. The caller stores the
answer as a ``Hold`` without an end.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.db.models.functions import Greatest, Now

from digest.models import Digest, Hold

from . import rates

State = Digest.State
# Handed over or about to be, and nobody knows yet what becomes of it.
UNSETTLED = (State.READY, State.SENDING)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way in which mails go wrong: the `states` they end in, looked at over a `window`.

    Less than `fewest` of them are taken for chance, whatever their share.
    """

    states: tuple[str, ...]
    window: timedelta
    words: str
    fewest: int


# Refusals come at once, hard bounces soon; a reader takes hours to report a mail as spam.
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
    """Whether it is this worker's turn to ask `tripped`: one of all workers, once in `every`."""
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
    """Why sending must stop, as a sentence for the hold's reason; None when it may go on.

    `refused` and `complained` are the largest shares (above 0, at most 1) that are borne, of
    the mails handed over within an hour and a day. Mails from before an operator last released
    a hold do not count, or the same figures would stop us again at once; nothing is said of
    fewer than `least` mails. Costs two or three quick queries, changes nothing, and is safe to
    repeat. The large providers ask for complaints below 0.1 %:
    https://support.google.com/a/answer/81126
    """
    for trouble, limit in ((REFUSED, refused), (COMPLAINED, complained)):
        since = _since(mail_service, trouble.window)
        mails = Digest.objects.filter(mail_service=mail_service, handed_over_at__gt=since)
        bad = mails.filter(state__in=trouble.states).count()
        if bad < trouble.fewest:
            continue
        # Among this many mails the bad ones are within the limit, so nobody counts further.
        enough = max(math.ceil(bad / limit), least)
        # The newest rows by their number, which needs no index of its own.
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
