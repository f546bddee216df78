"""What must hold when a round is over, for each reader and each date on which they were due.

Works from the readers' own wishes, the ledger of the mail service and the list of outages. Of the
rows it believes only that they are what the product says about a reader and a date.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from digest.models import Digest
from tests.promise.oracle import DAY, HOUR, due_days

from .faults import Scene
from .mail.ledger import ACCEPTED, UNKNOWN, Message
from .readers import Reader
from .verdict import (
    AFTER,
    DOUBT,
    EARLY,
    HELD,
    LAST_CALL,
    NO_MAIL,
    NO_REASON,
    NO_ROW,
    PAPERS,
    STRANGERS,
    STUCK,
    TWICE,
    UNEXPECTED,
    UNHEARD,
    UNSETTLED,
    Times,
    Verdict,
)

State, Reason = Digest.State, Digest.SkipReason
IN_DOUBT = (State.UNCERTAIN, State.ASSUMED)
SAID_SENT = (State.SENT, State.DEFERRED, State.DELIVERED, State.BOUNCED, State.COMPLAINED)
# The bound of the guarantee, but for one message of the mail service; and what a busy machine needs
# between the look at the database and the mail service's note.
BOUND, SLACK = 5.0, 1.0
# A change this close to the time at which somebody is due may come before or after the planning.
CLOSE = timedelta(seconds=10)


@dataclass(slots=True)
class Day:
    """A date on which a reader was due, the row for it, and the mails that came."""

    on: date
    due_at: datetime
    row: Digest | None
    mails: list[Message] = field(default_factory=list)

    @property
    def says_sent(self) -> bool:
        return self.row is not None and self.row.state in {*SAID_SENT, *IN_DOUBT}


def judge(scene: Scene, times: Times, holds: Sequence[str]) -> Verdict:
    """Compare the ledger and the rows with what should have happened."""
    verdict = Verdict()
    messages = [message for message in scene.mail.entries() if message.papers]
    by_address: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_address[message.recipient].append(message)
    rows: dict[int, list[Digest]] = defaultdict(list)
    for row in Digest.objects.order_by("local_date"):
        rows[row.subscriber_id or 0].append(row)
        verdict.states[row.skip_reason or row.state] += 1
    verdict.mails = sum(message.fate in ACCEPTED for message in messages)
    unexplained: list[str] = []
    for reader in scene.readers.everyone:
        got = sorted(
            (one for address in reader.addresses for one in by_address.pop(address, [])),
            key=lambda one: one.at,
        )
        days = _days(reader, rows[reader.row], times)
        verdict.days += len(days)
        _put_mails(reader, days, [one for one in got if one.fate in ACCEPTED], verdict)
        _judge_days(reader, days, times, verdict)
        _judge_leaving(reader, got, scene, verdict)
        _judge_papers(reader, days, verdict)
        unexplained += [_show(reader, day, "") for day in _doubt(days, got, verdict)]
        _judge_news(reader, days, scene.mail.delivered, verdict)
    verdict.explained += min(len(unexplained), scene.doubt)
    if len(unexplained) > scene.doubt:
        verdict.found[DOUBT] += unexplained
    verdict.found[UNSETTLED] += [
        f"{row.pk} of an erased reader: {row.state}"
        for row in rows[0]
        if row.state in {State.READY, State.SENDING} and row.due_at < times.settled_until
    ]
    verdict.found[STRANGERS] += list(by_address)
    verdict.found[STUCK] += [] if scene.done["hang"] or scene.done["stall"] else scene.fleet.stuck
    verdict.found[HELD] += [reason for reason in holds if not _is_explained(reason, scene)]
    return verdict


def _is_explained(reason: str, scene: Scene) -> bool:
    """Doubt in numbers holds the service, and so does a share of refusals."""
    causes = {"accept_silently", "drop", "hang", "lose_host", "kill_worker", "kill_child"}
    return "doubt" in reason and any(scene.done[name] for name in causes)


# --- which mail is for which date ----------------------------------------------------------
def _days(reader: Reader, rows: Sequence[Digest], times: Times) -> list[Day]:
    due = due_days(reader.life, times.start, times.end)
    by_date = {row.local_date: row for row in rows}
    return [Day(on, at, by_date.get(on)) for on, at in sorted(due.items())]


def _put_mails(
    reader: Reader, days: Sequence[Day], got: Sequence[Message], verdict: Verdict
) -> None:
    """A mail is for the last date due before it, or for one before if that one still lacks it."""
    reader.got = got
    for mail in got:
        past = [day for day in days if day.due_at <= mail.at]
        if not past:
            verdict.found[EARLY].append(_show(reader, None, f"mail at {mail.at}"))
            continue
        recent = [day for day in past if mail.at - day.due_at < DAY + HOUR]
        lacking = (day for day in reversed(recent) if day.says_sent and not day.mails)
        day = next(lacking, past[-1])
        if day.mails:
            verdict.found[TWICE].append(_show(reader, day, f"also at {mail.at}"))
        elif not day.says_sent and not reader.is_erased:
            verdict.found[UNEXPECTED].append(_show(reader, day, f"mail at {mail.at}"))
        day.mails.append(mail)


# --- the rules -----------------------------------------------------------------------------
def _judge_days(reader: Reader, days: Sequence[Day], times: Times, verdict: Verdict) -> None:
    if reader.is_erased:
        return  # their rows are no longer theirs
    for place, day in enumerate(days):
        following = days[place + 1].due_at if place + 1 < len(days) else None
        rule, why = _fault_of(reader, day, following, times)
        if rule:
            verdict.found[rule].append(_show(reader, day, why))


def _fault_of(
    reader: Reader, day: Day, following: datetime | None, times: Times
) -> tuple[str, str]:
    row = day.row
    changed = [since for since, _ in reader.life.wishes[1:]]
    if row is None:
        is_close = any(abs(since - day.due_at) < CLOSE for since in changed)
        unplanned = day.due_at > times.end - timedelta(minutes=2)
        is_excused = is_close or unplanned or _left_unplanned(reader, day, times)
        return ("", "") if is_excused else (NO_ROW, "")
    if row.state in {State.READY, State.SENDING}:
        return (UNSETTLED, "") if day.due_at < times.settled_until else ("", "")
    if row.state in SAID_SENT and not day.mails:
        return NO_MAIL, ""
    if row.state == State.FAILED and not reader.is_gone:
        return NO_REASON, "failed"
    if row.state == State.SKIPPED and not _is_good(reader, day, following, times):
        return NO_REASON, row.skip_reason
    return "", ""


def _left_unplanned(reader: Reader, day: Day, times: Times) -> bool:
    """Whether the reader left after they were due and before any worker could have seen it."""
    ends = [one.until for one in times.outages if one.since <= day.due_at + CLOSE < one.until]
    seen_at = max([day.due_at, *ends]) + timedelta(minutes=2)
    return any(
        day.due_at <= since <= seen_at and not wishes.is_active
        for since, wishes in reader.life.wishes
    )


def _is_good(reader: Reader, day: Day, following: datetime | None, times: Times) -> bool:
    """Whether there was reason to skip this digest."""
    assert day.row is not None
    closed_at = times.closed_for(day.due_at)
    deadline = day.due_at + times.late - LAST_CALL
    match day.row.skip_reason:
        case Reason.UNSUBSCRIBED:
            return reader.did("left", "complained")
        case Reason.SUPPRESSED:
            return reader.is_gone or reader.did("suppressed", "complained")
        case Reason.PAUSED:
            return any(wishes.paused_until for _, wishes in reader.life.wishes)
        case Reason.NO_MATCH:
            return not reader.is_matched
        case Reason.NOTHING_NEW if _has_had(reader, times.papers_for(day.due_at), day.due_at):
            return True
        case Reason.NO_EDITION | Reason.NOTHING_NEW | Reason.THIN:
            return closed_at is None or not times.was_up(max(day.due_at, closed_at), deadline)
        case Reason.SUPERSEDED if following is not None:
            deadline = min(deadline, following)
            return closed_at is None or not times.was_up(max(day.due_at, closed_at), deadline)
        case Reason.LATE:
            ready_at = max(day.due_at, min(closed_at or deadline, deadline))
            return not times.was_up(ready_at, max(deadline, ready_at + HOUR))
        case _:
            return False


def _has_had(reader: Reader, papers: Collection[str], due_at: datetime) -> bool:
    """Whether an earlier date's digest, which came late, has taken the edition already."""
    had = (paper for mail in reader.got if mail.at < due_at for paper in mail.papers)
    return not set(papers).isdisjoint(had)


def _judge_leaving(reader: Reader, got: Sequence[Message], scene: Scene, verdict: Verdict) -> None:
    """No mail after the bound, by the mail service's own clock, in which time that was skipped is
    none; nor any mail that was marked only after they had left."""
    for stop in reader.stops:
        for mail in got:
            is_theirs = stop.what != "moved out" or mail.recipient == stop.address
            after = mail.monotonic - stop.monotonic
            if is_theirs and after > 0 and mail.monotonic < stop.until:
                verdict.after = max(verdict.after, after)
                message = scene.longest(stop.monotonic, mail.monotonic)
                calm = scene.calm_after(stop.monotonic) - stop.monotonic
                bound = min(BOUND + message + SLACK, calm)
                if after > bound:
                    why = f"{stop.what}, {after:.1f} s later, bound {bound:.1f} s"
                    verdict.found[AFTER].append(_show(reader, None, why))


def _judge_papers(reader: Reader, days: Sequence[Day], verdict: Verdict) -> None:
    """No paper twice, except those of a digest that was not surely sent."""
    seen: dict[str, Day] = {}
    for day in days:
        for mail in day.mails:
            again = [seen[paper] for paper in mail.papers if paper in seen and seen[paper] != day]
            verdict.found[PAPERS] += [
                _show(reader, day, f"as on {before.on}") for before in again if _is_sure(before)
            ]
            seen |= dict.fromkeys(mail.papers, day)


def _is_sure(day: Day) -> bool:
    """Whether the product could know that this digest had been accepted."""
    is_known = all(mail.fate == "accepted" for mail in day.mails)
    return is_known and day.row is not None and day.row.state not in IN_DOUBT


def _doubt(days: Sequence[Day], got: Sequence[Message], verdict: Verdict) -> list[Day]:
    """Count the rows in doubt. Returns those that the ledger does not account for."""
    doubted = [day for day in days if day.row is not None and day.row.state in IN_DOUBT]
    verdict.doubt += len(doubted)
    unanswered = sum(one.fate in UNKNOWN for one in got)
    explained = min(len(doubted), unanswered)
    verdict.explained += explained
    return doubted[explained:]


def _judge_news(
    reader: Reader,
    days: Sequence[Day],
    delivered: Sequence[tuple[str, datetime]],
    verdict: Verdict,
) -> None:
    """What the service has reported must be known, in whatever order it came."""
    told = {(address, at) for address, at in delivered if address in reader.addresses}
    if not told or reader.is_erased or len(reader.addresses) > 1:
        return  # a report names an address, and counts only if it is still the reader's
    for day in days:
        for mail in day.mails:
            is_told = any(abs(at - mail.at) < timedelta(seconds=1) for _, at in told)
            if is_told and day.row is not None and day.row.state != State.DELIVERED:
                verdict.found[UNHEARD].append(_show(reader, day, ""))


def _show(reader: Reader, day: Day | None, why: str) -> str:
    """A case in words, with the simulated times."""
    parts = [f"reader {reader.row} ({reader.addresses[0]}, {reader.wishes.zone})"]
    if day is not None:
        parts.append(f"{day.on}, due {day.due_at:%d %H:%M}")
        if day.row is not None:
            parts.append(f"{day.row.state} {day.row.skip_reason} {day.row.error}".strip())
        parts += [f"mail at {mail.at:%d %H:%M:%S} {mail.fate}" for mail in day.mails]
    stops = [f"{stop.what} {stop.at:%d %H:%M:%S}" for stop in reader.stops]
    return ", ".join([*parts, *stops, why]).rstrip(", ")
