"""What needs a person: each trouble in words, with what to do about it, the worst first.

In goes a `Standing`; out come `Trouble` values. The page shows them, the alerts tell of those that
are worth a message, and `/ready` fails for some. Each kind of trouble is one function of `KINDS`.
``machines``, ``sending``, ``papers`` and ``webhooks`` have the functions.
"""

from collections.abc import Callable, Iterator

from digest.desk.today.standing import Rows, Standing
from digest.desk.today.trouble import Trouble

from .machines import (
    bounces_unread,
    database_down,
    disks_full,
    no_tick,
    queues_without_worker,
    redis_down,
)
from .papers import edition_held, edition_missing, sources_stale
from .sending import (
    failed_today,
    held,
    in_doubt,
    letters_waiting,
    only_to_some,
    quota_too_small,
    stuck,
)
from .webhooks import webhooks_failing

# They need no database.
KINDS: tuple[Callable[[Standing], Iterator[Trouble]], ...] = (
    database_down,
    redis_down,
    queues_without_worker,
    disks_full,
    only_to_some,
)
KINDS_OF_ROWS: tuple[Callable[[Standing, Rows], Iterator[Trouble]], ...] = (
    no_tick,
    edition_held,
    held,
    stuck,
    in_doubt,
    sources_stale,
    edition_missing,
    letters_waiting,
    bounces_unread,
    failed_today,
    quota_too_small,
    webhooks_failing,
)


def troubles(standing: Standing) -> list[Trouble]:
    """Return what needs a person, the urgent first."""
    found = [trouble for kind in KINDS for trouble in kind(standing)]
    if standing.rows:
        found += [trouble for of in KINDS_OF_ROWS for trouble in of(standing, standing.rows)]
    return sorted(found, key=lambda trouble: not trouble.is_urgent)
