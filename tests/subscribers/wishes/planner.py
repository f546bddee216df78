"""What planning does to a reader's own row, for tests of wishes, which know no digests."""

from datetime import datetime, timedelta
from typing import Any

from subscribers.models import Subscriber
from subscribers.wishes.schedule import Due, next_due_of
from tests.factories import make_reader

# Within a week every frequency has a digest.
_A_WEEK = timedelta(days=8)
# How long a daily reader who moves may wait for the next digest: the day after, 26 hours further
# west, at 23:00 instead of 0:00, and an hour for a change of clocks.
LONGEST_WAIT = timedelta(hours=24 + 26 + 23 + 1)


def start(reader: Subscriber, now: datetime) -> None:
    """Set when the reader's first digest after `now` is due, without saving."""
    reader.next_due_at, reader.next_due_on = next_due_of(reader, now)


def plan(reader: Subscriber, now: datetime) -> list[Due]:
    """Serve what is due until `now`, without saving. Returns it, oldest first."""
    served = []
    while (at := reader.next_due_at) is not None and at <= now:
        assert reader.next_due_on is not None
        served.append(Due(at, reader.next_due_on))
        reader.last_due_on = reader.next_due_on
        start(reader, at)
    return served


def planned_reader(now: datetime, **wishes: Any) -> Subscriber:
    """A stored reader who has had every digest that was due in the week until `now`."""
    reader = make_reader(**wishes)
    start(reader, now - _A_WEEK)
    plan(reader, now)
    reader.save()
    return reader
