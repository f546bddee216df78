"""The circuit breaker: when too much of what we sent has gone wrong, sending stops.

Going on would cost the domain its reputation or the readers their digests, and a person has to find
the cause (a bad list of addresses, a blocked server, a digest that reads like spam, a server that
takes messages and never says so). The caller stores the reason as a ``Hold`` without an end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

from django.db.models import Max, QuerySet
from django.db.models.functions import Greatest, Now

from digest.delivery.conditions import RESTORED, SILENT
from digest.delivery.outcomes import Outcome, Verdict
from digest.models import Digest, Hold

from . import rates

State = Digest.State
# Not handed over yet, or the outcome is not known yet.
UNSETTLED = (State.READY, State.SENDING)
IN_DOUBT = (State.UNCERTAIN, State.ASSUMED)
# This many messages in a row that one connection leaves in doubt are no restart of the server,
# which would refuse the next connection. The service is left alone for a while.
DOUBT_A_CONNECTION = 3
DOUBT_PAUSE = timedelta(minutes=5)


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
# A mail service that restarts leaves a message in doubt on each connection.
DOUBTED = Trouble(
    IN_DOUBT,
    timedelta(hours=1),
    "mails of the last hour were left in doubt",
    fewest=20,
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
    mail_service: str,
    *,
    refused: float = 0.05,
    complained: float = 0.001,
    doubted: float = 0.05,
    doubt_in_a_row: int = 24,
    least: int = 100,
) -> str | None:
    """Why sending must stop, as a sentence for the hold's reason, or None if it may go on.

    `refused`, `complained` and `doubted` are the largest tolerated shares (above 0, at most 1) of
    the mails handed over within an hour, or a day for `complained`. Mails from before an operator
    last released a hold do not count, because the same figures would stop us again at once. Below
    `least` mails nothing is concluded, unless so many as `doubt_in_a_row` were left in doubt. Makes
    a few quick queries, changes nothing, and is safe to repeat. The large providers ask for
    complaints below 0.1 %: https://support.google.com/a/answer/81126
    """
    limits = ((REFUSED, refused), (COMPLAINED, complained), (DOUBTED, doubted))
    for trouble, limit in limits:
        mails = handed_over(mail_service, trouble.window)
        bad = mails.filter(state__in=trouble.states).count()
        if bad < trouble.fewest:
            continue
        # Among this many mails the bad ones are within the limit, so counting further is pointless.
        enough = max(math.ceil(bad / limit), least)
        # The newest rows by primary key, which needs no further index.
        settled = mails.exclude(state__in=UNSETTLED).order_by("-pk")
        if reason := reason_to_stop(trouble, bad, settled[:enough].count(), limit, least):
            return reason
    return run_of_doubt(mail_service, least=doubt_in_a_row)


def run_of_doubt(mail_service: str, *, least: int) -> str | None:
    """Why sending must stop if the last `least` hand-overs have all been left in doubt, else None.

    What a dead worker of ours left in doubt says nothing about the mail service. Safe to repeat.
    """
    mails = handed_over(mail_service, DOUBTED.window)
    if mails.filter(state__in=IN_DOUBT).count() < least:
        return None
    # Rows with a high primary key were planned, and mostly handed over, last.
    newest = mails.exclude(state__in=UNSETTLED).order_by("-pk")[: 5 * least]
    in_order = sorted(newest.values_list("handed_over_at", "pk", "state"), key=itemgetter(0, 1))
    if any(state not in IN_DOUBT for _, _, state in in_order[-least:]):
        return None
    return f"The last {least} mails were left in doubt: they may have gone out or not."


def doubt_in(outcomes: Sequence[Outcome | None]) -> Outcome | None:
    """The problem that the last outcomes on one connection amount to if all of them are doubt."""
    last = [outcome for outcome in outcomes if outcome][-DOUBT_A_CONNECTION:]
    if len(last) < DOUBT_A_CONNECTION or any(o.verdict is not Verdict.UNCERTAIN for o in last):
        return None
    said = f"{len(last)} messages in a row were left in doubt: {last[-1].detail}"
    return Outcome(Verdict.RETRY, said[:300], wait=DOUBT_PAUSE)


def reason_to_stop(trouble: Trouble, bad: int, mails: int, limit: float, least: int) -> str | None:
    """The sentence when more than the share `limit` of `mails` were `bad`, else None."""
    if bad < trouble.fewest or mails < least or bad <= limit * mails:
        return None
    return (
        f"{_percent(bad / mails)} of the {mails} {trouble.words}; the limit is {_percent(limit)}."
    )


def handed_over(mail_service: str, window: timedelta) -> QuerySet[Digest]:
    """What the service was given within `window`, and since a hold of it was last released."""
    since = _since(mail_service, window)
    mails = Digest.objects.filter(mail_service=mail_service, handed_over_at__gt=since)
    return mails.exclude(error__in=(SILENT, RESTORED))


def _since(mail_service: str, window: timedelta) -> datetime:
    since: datetime = Hold.objects.filter(mail_service=mail_service).aggregate(
        since=Greatest(Now() - window, Max("released_at"))
    )["since"]
    return since


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
