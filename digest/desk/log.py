"""Looking things up in the log of operators, however long it is.

Rows are found by an index in the order of their ids, which is that of time, so a time is a place
among the ids. A page holds so many rows and knows where the next begins; nothing is counted. What
would still read too many rows is given up, and says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from digest.models import AuditEntry

ON_A_PAGE = 50
_MOST_MS = 2000
_MOST_ID = 2**63 - 1
# In words.
RESULTS: Mapping[str, Promise] = {
    AuditEntry.Result.DONE: pgettext_lazy("log", "done"),
    AuditEntry.Result.SAME: pgettext_lazy("log", "nothing changed"),
    AuditEntry.Result.REFUSED: pgettext_lazy("log", "refused"),
    AuditEntry.Result.FAILED: pgettext_lazy("log", "failed"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for: each part narrows it down. `before` is an id, for the next page."""

    by: str = ""
    act: str = ""
    object: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Wish":
        """Read the address of a page. What cannot be read is not looked for."""
        return cls(
            by=asked.get("by", "").strip()[:150],
            act=asked.get("act", "").strip()[:60],
            object=asked.get("object", "").strip()[:110],
            since=_date(asked.get("since", "")),
            until=_date(asked.get("until", "")),
            before=_number(asked.get("before", "")),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a page, where the next one begins, and what is wrong, in words."""

    rows: Sequence[AuditEntry]
    following: int | None = None
    problem: str = ""


def result_words(result: str) -> str:
    return str(RESULTS.get(result, result))


def look_up(wish: Wish) -> Found:
    rows = _matching(wish)
    if rows is None:
        return Found((), problem=_("No operator has this name."))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {_MOST_MS}")
            found = list(_within(rows, wish).order_by("-id")[: ON_A_PAGE + 1])
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError:
        return Found((), problem=_("Too many rows would have to be read. Please narrow it down."))
    has_more = len(found) > ON_A_PAGE
    return Found(found[:ON_A_PAGE], found[ON_A_PAGE - 1].pk if has_more else None)


def names() -> list[str]:
    """The operators to choose from."""
    return list(User.objects.order_by("username").values_list("username", flat=True)[:200])


def _matching(wish: Wish) -> QuerySet[AuditEntry] | None:
    """The rows whoever wrote them when; None if there is no such operator."""
    rows = AuditEntry.objects.all()
    if wish.by:
        user = User.objects.filter(username=wish.by).values_list("pk", flat=True).first()
        if user is None:
            return None
        rows = rows.filter(by_id=user)
    if wish.act:
        is_noun = "." not in wish.act
        # What begins with the noun is between it and its like with the next character.
        of_noun = {"act__gte": f"{wish.act}.", "act__lt": f"{wish.act}/"}
        rows = rows.filter(**(of_noun if is_noun else {"act": wish.act}))
    if wish.object:
        kind, _space, key = wish.object.rpartition(" ")
        rows = rows.filter(kind=kind, key=key) if kind else rows.filter(kind=key)
    return rows


def _within(rows: QuerySet[AuditEntry], wish: Wish) -> QuerySet[AuditEntry]:
    if wish.before is not None:
        rows = rows.filter(id__lt=wish.before)
    if wish.since:
        rows = rows.filter(id__gte=_first_from(_start(wish.since)))
    if wish.until:
        rows = rows.filter(id__lt=_first_from(_start(wish.until + timedelta(days=1))))
    return rows


def _first_from(at: datetime) -> int:
    """The first id from this time on."""
    first: Any = AuditEntry.objects.filter(at__gte=at).order_by("at").values_list("id", flat=True)
    return int(first.first() or _MOST_ID)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
    return found if 2000 <= found.year <= 9000 else None


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if is_number else None
