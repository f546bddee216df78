"""Places for sending: in each of them one chain of tasks, each of which queues the next one.

Ticks and chains both queue tasks. Without places the two would add up, and after hours of slow
sending the queue would be full of chains that wait for each other.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from subscribers.database import Lock, fetch, is_held, only_one


def ring(place: int) -> int:
    """The number of the task to queue for this place. Tasks queued before no longer count."""
    ((number,),) = fetch(
        """
        INSERT INTO digest_place AS p (number, ring) VALUES (%s, 1)
        ON CONFLICT (number) DO UPDATE SET ring = p.ring + 1
        RETURNING ring
        """,
        [place],
    )
    return int(number)


def is_taken(place: int) -> bool:
    """Whether a task is working in this place now; it will queue the next one itself."""
    return is_held(Lock.SENDING_DIGESTS, place)


@contextmanager
def take(place: int, number: int) -> Iterator[bool]:
    """Work in this place for as long as the block runs. Yields False if it is taken, or if this
    task no longer counts."""
    with only_one(Lock.SENDING_DIGESTS, place) as is_ours:
        yield is_ours and _is_current(place, number)


def _is_current(place: int, number: int) -> bool:
    return bool(fetch("SELECT FROM digest_place WHERE number = %s AND ring = %s", [place, number]))
