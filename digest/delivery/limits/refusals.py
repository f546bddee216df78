"""Refusals that say something only in numbers: about us if everybody gets the same one, about an
address if it repeats while others at its provider get through."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from operator import itemgetter

from django.conf import settings
from django.db.models.functions import Now

from digest.delivery.outcomes import Outcome, Verdict, sameness
from digest.models import Digest, Hold
from subscribers.database import execute, fetch
from subscribers.leaving import suppression
from subscribers.models import Suppression

from . import breaker

State = Digest.State
# How far back a reader's last digest counts, and how many of the newest hand-overs are looked at
# for another reader at the same provider.
REPEATS_WITHIN = timedelta(days=30)
LOOK_AT = 2000
# How many digests one statement makes ready again.
_AT_ONCE = 5000
_IN_THE_SAME_WORDS = "all refused in the same words: "


@dataclass(frozen=True, slots=True)
class Run:
    """Different readers' digests, handed over one after another, that got the same refusal."""

    ids: Sequence[int]
    said: str

    @property
    def reason(self) -> str:
        number = len(self.ids)
        return f"The last {number} readers were {_IN_THE_SAME_WORDS}{self.said}"[:300]


def run_of_refusals(mail_service: str, *, least: int) -> Run | None:
    """The refusals at the end of what the service was given, if they say the same and are `least`
    or more, or if it is held for them already. Changes nothing; safe to repeat.

    Hand-overs from before an operator last released a hold do not count.
    """
    least = 1 if (held_for := _held_for(mail_service)) else least
    mails = breaker.handed_over(mail_service, breaker.REFUSED.window)
    if mails.filter(state=State.FAILED).count() < least:
        return None
    newest = mails.exclude(state__in=breaker.UNSETTLED).order_by("-pk")[: 40 * least]
    columns = ("handed_over_at", "pk", "state", "error", "subscriber")
    in_order = sorted(newest.values_list(*columns), key=itemgetter(0, 1), reverse=True)
    said = sameness(in_order[0][3])
    run = list(takewhile(lambda row: row[2] == State.FAILED and sameness(row[3]) == said, in_order))
    readers = {subscriber for *_, subscriber in run if subscriber is not None}
    if len(readers) < least or (held_for and said not in held_for):
        return None
    return Run([row[1] for row in run], run[0][3])


def _held_for(mail_service: str) -> set[str]:
    """The refusals for which the service is held until an operator acts. Others, which were under
    way meanwhile, may still come."""
    reasons = Hold.objects.active().filter(mail_service=mail_service, until=None)
    starts = [
        reason.partition(_IN_THE_SAME_WORDS) for reason in reasons.values_list("reason", flat=True)
    ]
    return {sameness(said) for _, words, said in starts if words}


def are_alike(outcomes: Sequence[Outcome | None], *, least: int) -> bool:
    """Whether the last `least` outcomes on one connection are refusals that say the same."""
    last = [outcome for outcome in outcomes if outcome][-least:]
    is_long = len(last) == least and all(one.verdict is Verdict.FAILED for one in last)
    return is_long and len({sameness(one.detail) for one in last}) == 1


def give_back(ids: Iterable[int]) -> int:
    """Undo what a refusal of us did to these digests and their readers. Returns how many are ready
    again; safe to repeat.

    The attempt does not count, and a suppression that it led to is lifted.
    """
    listed = list(ids)
    led_to = Suppression.objects.filter(
        reason=Suppression.Reason.BOUNCED,
        address_hash__in=Digest.objects.filter(
            pk__in=listed, state=State.FAILED, subscriber__isnull=False
        ).values("subscriber__address_hash"),
        created_at__gt=Now() - breaker.REFUSED.window,
    )
    suppression.lift(led_to)
    return execute(
        f"""
        UPDATE digest_digest d
        SET state = 'ready', attempts = greatest(d.attempts - 1, 0), next_attempt_at = now()
        WHERE d.id = ANY(%(ids)s) AND {_CAN_GO_AGAIN}
        """,
        {"ids": listed, "late": settings.DELIVERY_LATE},
    )


def retry_failed(*, mail_service: str | None = None) -> int:
    """Make digests ready again that were refused, and are not too late. Returns how many.

    For an operator who has put right what they were refused for. Left out are those that the
    service had accepted first, those of readers who have a newer digest, and those whose address is
    suppressed. Safe to repeat.
    """
    number, after = 0, 0
    while ids := retry_some(after, _AT_ONCE, mail_service=mail_service):
        number, after = number + len(ids), ids[-1]
    return number


def retry_some(after: int, most: int, *, mail_service: str | None = None) -> Sequence[int]:
    """Do so for the next `most` of them after this digest. Returns which, in order."""
    rows = fetch(
        f"""
        UPDATE digest_digest d
        SET state = 'ready', attempts = 0, next_attempt_at = now()
        WHERE d.state = 'failed' AND d.id IN (
            SELECT d.id FROM digest_digest d
            WHERE d.id > %(after)s
                AND (d.handed_over_at > now() - %(late)s OR d.handed_over_at IS NULL)
                AND (%(mail_service)s::text IS NULL OR d.mail_service = %(mail_service)s)
                AND {_CAN_GO_AGAIN}
                AND NOT EXISTS (
                    SELECT FROM subscribers_suppression x JOIN subscribers_subscriber s
                        ON s.address_hash = x.address_hash
                    WHERE s.id = d.subscriber_id
                )
            ORDER BY d.id LIMIT %(most)s
        )
        RETURNING d.id
        """,
        {
            "after": after,
            "most": most,
            "mail_service": mail_service,
            "late": settings.DELIVERY_LATE,
        },
    )
    return sorted(pk for (pk,) in rows)


_CAN_GO_AGAIN = """
    d.state = 'failed' AND d.message_id = ''
        AND d.subscriber_id IS NOT NULL
        AND d.due_at > now() - %(late)s
        AND NOT EXISTS (
            SELECT FROM digest_digest n
            WHERE n.subscriber_id = d.subscriber_id AND n.local_date > d.local_date
        )
"""


# --- addresses that may be bad -------------------------------------------------------------
def repeats(digest_id: int, address: str, detail: str) -> bool:
    """Whether this reader's last digest was refused in the same words, and other readers at their
    domain get theirs."""
    return _was_refused(digest_id, detail) and _others_get_through(address)


def _was_refused(digest_id: int, detail: str) -> bool:
    rows = fetch(
        """
        SELECT d.state, d.error
        FROM digest_digest now_refused
            JOIN digest_digest d ON d.subscriber_id = now_refused.subscriber_id
        WHERE now_refused.id = %(id)s AND d.id <> %(id)s AND d.handed_over_at > now() - %(within)s
        ORDER BY d.handed_over_at DESC
        LIMIT 1
        """,
        {"id": digest_id, "within": REPEATS_WITHIN},
    )
    return any(
        state == State.FAILED and sameness(error) == sameness(detail) for state, error in rows
    )


def _others_get_through(address: str) -> bool:
    domain = address.rpartition("@")[2].lower()
    return bool(
        fetch(
            """
            SELECT 1
            FROM (
                SELECT subscriber_id, state FROM digest_digest ORDER BY id DESC LIMIT %(look_at)s
            ) d JOIN subscribers_subscriber s ON s.id = d.subscriber_id
            WHERE d.state = ANY(%(accepted)s) AND lower(split_part(s.email, '@', 2)) = %(domain)s
            LIMIT 1
            """,
            {"look_at": LOOK_AT, "accepted": _texts(Digest.SURELY_SENT), "domain": domain},
        )
    )


def _texts(states: Collection[str]) -> list[str]:
    return [str(state) for state in states]
