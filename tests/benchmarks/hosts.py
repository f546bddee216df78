"""One worker host and two beside each other, with a null transport: what another host brings.

Here both share this machine's cores with PostgreSQL, so the ratio says only that they do not stand
in each other's way. What another machine brings is in the CPU time: ours goes to other cores,
PostgreSQL's does not. A host is a network namespace with a name and a folder of its own, where that
can be made.
"""

import os
from pathlib import Path

from rich.table import Table

from deploy.children import works
from tests.benchmarks.engine import NULL, deliver_to

READERS = int(os.environ.get("READERS", "20000").partition(",")[0])
# Worker processes of each host.
PROCESSES = 1
_APART = ("unshare", "--net", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"')


def run() -> Table:
    one, two = (deliver_to(READERS, NULL, hosts=_hosts(number)) for number in (1, 2))
    table = Table(
        "worker hosts",
        "one",
        "two",
        title=f"{READERS:,} readers; two hosts share {os.cpu_count()} cores with PostgreSQL here",
    )
    table.add_row("digests a second", f"{one.per_second:,.0f}", f"{two.per_second:,.0f}")
    table.add_row("times one host", "1.00", f"{two.per_second / one.per_second:.2f}")
    table.add_row("µs of ours a digest", f"{one.own_cpu:.0f}", f"{two.own_cpu:.0f}")
    table.add_row("µs of PostgreSQL a digest", f"{one.server_cpu:.0f}", f"{two.server_cpu:.0f}")
    return table


def _hosts(number: int) -> list[tuple[list[str], dict[str, str]]]:
    """For each worker process what its command begins with, and its environment."""
    can_be_apart = works([*_APART, "host", "true"])
    state = Path(os.environ["STATE_FOLDER"])
    return [
        (
            [*_APART, f"host-{host}"] if can_be_apart else [],
            {"STATE_FOLDER": str(state.with_name(f"state-{host}"))},
        )
        for host in range(number)
        for _ in range(PROCESSES)
    ]
