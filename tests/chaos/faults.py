"""What can happen in a round. Each fault notes how many hand-overs it may leave in doubt, beyond
those of which the mail service's own ledger says that it left us without an answer."""

import os
import shutil
import signal
import time
from bisect import bisect
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from operator import itemgetter
from random import Random

from django.conf import settings
from django.db import connection

from subscribers.database import execute

from .clock import Clock
from .hosts import NUMBER
from .mail.http_service import HttpService
from .processes import CLOCKWORK, DIGESTS, POOL, Fleet, Process, SmtpServer
from .readers import Readers
from .servers import PostgreSQL, Valkey

# By how many seconds a worker's clock is wrong.
HOUR = 3600
# How long a message takes at a slow mail service, and for how long the service is slow.
SLOW, SLOW_FOR = 10.0, 25.0


@dataclass
class Scene:
    """What the faults of one round act on, and what they did.

    `doubt` is the most hand-overs that all faults so far may have made uncertain, apart from those
    that the mail service left unanswered. `slow` are the monotonic times between which a message
    might take so many seconds. `calm` are monotonic times between which no digest was marked as
    being sent, nor in doubt.
    """

    chance: Random
    clock: Clock
    fleet: Fleet
    mail: SmtpServer | HttpService
    postgres: PostgreSQL
    valkey: Valkey
    readers: Readers
    done: Counter[str] = field(default_factory=Counter)
    doubt: int = 0
    slow: list[tuple[float, float, float]] = field(default_factory=list)
    calm: list[tuple[float, float]] = field(default_factory=list)
    patient_until: float = 0.0

    def seconds(self, least: float, most: float) -> float:
        return self.chance.uniform(least, most)

    def tell(self, what: str) -> None:
        """Log what happened in the round's folder, with both times."""
        with (self.fleet.folder / "story.log").open("a") as story:
            story.write(f"{datetime.now(UTC):%d %H:%M:%S.%f} {time.monotonic():.2f} {what}\n")

    def order(self, seconds: float = 0.0, **orders: float | bool) -> None:
        """Have the mail service misbehave; it may answer a message only after so many seconds."""
        self.be_patient(2 * seconds, seconds)
        self.mail.order(**orders)

    def be_patient(self, length: float, seconds: float) -> None:
        """For this long, and another message, one may take so many seconds."""
        now = time.monotonic()
        self.slow.append((now, now + length + seconds, seconds))
        self.patient_until = max(self.patient_until, now + length)

    def longest(self, since: float, until: float) -> float:
        """How many seconds a message may have taken between two monotonic times."""
        return max((s for begun, end, s in self.slow if begun < until and since < end), default=0.0)

    def calm_after(self, since: float) -> float:
        """When no mail was under way any more that was marked before; infinity if that is not
        known."""
        place = bisect(self.calm, since, key=itemgetter(0))
        return self.calm[place][1] if place < len(self.calm) else inf

    def doubt_of_pool(self, processes: int, messages: int = 1) -> None:
        """Each pool process may be handing over something on each of its connections."""
        self.doubt += processes * settings.MAIL_CONNECTIONS * messages


def kill_worker(scene: Scene) -> None:
    """SIGKILL to a worker and its pool. The journal tells the next one what was begun."""
    if worker := scene.fleet.any_worker(scene.chance):
        scene.fleet.kill(worker)
        scene.doubt_of_pool(POOL)


def kill_child(scene: Scene) -> None:
    """SIGKILL to one pool process, as the kernel does when memory runs out."""
    worker = scene.fleet.any_worker(scene.chance)
    if pool := worker.children() if worker else []:
        with suppress(ProcessLookupError):
            os.kill(scene.chance.choice(pool), signal.SIGKILL)
        scene.doubt_of_pool(1)


def kill_clockwork(scene: Scene) -> None:
    """The worker that ticks is killed. It holds no digest."""
    if worker := scene.fleet.any_worker(scene.chance, CLOCKWORK):
        scene.fleet.kill(worker)
        scene.doubt_of_pool(isinstance(scene.mail, HttpService))  # it settles doubt, too


def lose_host(scene: Scene) -> None:
    """A worker is killed, and nobody can read its journal: another host takes its place."""
    if worker := scene.fleet.any_worker(scene.chance):
        scene.fleet.kill(worker)
        scene.fleet.running.remove(worker)
        shutil.rmtree(scene.fleet.folder / f"host-{worker.host}", ignore_errors=True)
        scene.doubt_of_pool(POOL, settings.DELIVERY_CHUNK)
        scene.fleet.add_worker(DIGESTS)


def cut_off(scene: Scene) -> None:
    """A worker's host is cut off from everything until its leases have ended, and then let back.

    Neither side is told. The sessions live on, and what was on its way arrives late or never.
    """
    worker, hosts = scene.fleet.any_worker(scene.chance), scene.fleet.apart
    if worker is None or hosts is None:
        return
    seconds = scene.seconds(3, 9)
    scene.be_patient(2 * seconds, 2 * seconds)
    hosts.cut(worker.host % NUMBER)
    time.sleep(seconds / 4)
    scene.clock.set(datetime.now(UTC) + settings.DELIVERY_LEASE + timedelta(seconds=5))
    time.sleep(seconds * 3 / 4)
    hosts.let_back(worker.host % NUMBER)
    on_host = [one for one in scene.fleet.running if one.queues == worker.queues]
    here = [one for one in on_host if one.host % NUMBER == worker.host % NUMBER]
    scene.doubt_of_pool(POOL * len(here))


def stop_worker(scene: Scene) -> None:
    """SIGTERM, as in every deployment: the worker must end in time and leave nothing in doubt."""
    if worker := scene.fleet.any_worker(scene.chance):
        ask_to_end(worker)


def freeze_worker(scene: Scene) -> None:
    """SIGSTOP until its leases have ended, as when a virtual machine is moved.

    The worker lives on, so it must notice that others have its digests, and must record the
    outcome of those it had handed over.
    """
    if worker := scene.fleet.any_worker(scene.chance):
        worker.signal_group(signal.SIGSTOP)
        time.sleep(scene.seconds(0.2, 1))
        scene.clock.set(datetime.now(UTC) + settings.DELIVERY_LEASE + timedelta(seconds=5))
        time.sleep(scene.seconds(0.5, 2.5))
        worker.signal_group(signal.SIGCONT)


def freeze_briefly(scene: Scene) -> None:
    """SIGSTOP for some seconds, in which readers leave: its marks are older than it believes."""
    if worker := scene.fleet.any_worker(scene.chance):
        worker.signal_group(signal.SIGSTOP)
        for _ in range(20):
            scene.readers.act()
        time.sleep(scene.seconds(6, 8))
        worker.signal_group(signal.SIGCONT)


def suspend(scene: Scene) -> None:
    """Everything stands still for longer than a lease: only the wall clock knows."""
    scene.clock.set(datetime.now(UTC) + settings.DELIVERY_LEASE + timedelta(seconds=60))


def flush_redis(scene: Scene) -> None:
    scene.valkey.flush()


def restart_redis(scene: Scene) -> None:
    scene.valkey.restart(pause=scene.seconds(0, 2))


def drop_connections(scene: Scene) -> None:
    """Every session of PostgreSQL ends but ours."""
    execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )


def restart_postgres(scene: Scene) -> None:
    """A fast shutdown, which ends every session at once."""
    connection.close()
    scene.postgres.restart(signal.SIGINT, pause=scene.seconds(0, 3))


def crash_postgres(scene: Scene) -> None:
    """An immediate shutdown, after which PostgreSQL recovers from its log.

    What was not committed synchronously is gone: the server itself does not insist on it.
    """
    connection.close()
    scene.postgres.restart(signal.SIGQUIT, pause=scene.seconds(0, 3))


def accept_silently(scene: Scene) -> None:
    """The worst a mail server can do: it accepts the message, but the sender never learns that."""
    scene.order(silent=scene.chance.randint(1, 12))


def drop(scene: Scene) -> None:
    """Looks the same to the sender, but these messages were not accepted."""
    scene.order(dropped=scene.chance.randint(1, 12))


def hang(scene: Scene) -> None:
    """No answer for a long time, and then the connection is closed."""
    scene.order(12, hung=scene.chance.randint(1, 4), stall_seconds=12.0)


def stall(scene: Scene) -> None:
    """Answers that arrive late, though not too late."""
    scene.order(12, stalled=scene.chance.randint(1, 4), stall_seconds=12.0)


def be_slow(scene: Scene) -> None:
    """Ten seconds a message. A chunk ends by its time, and readers leave meanwhile."""
    scene.order(SLOW, slow_seconds=SLOW, until=time.monotonic() + SLOW_FOR)
    scene.be_patient(SLOW_FOR + SLOW, SLOW)
    for _ in range(20):
        scene.readers.act()


def storm(scene: Scene) -> None:
    """Many recipients are refused for now."""
    until = time.monotonic() + scene.seconds(1, 3)
    share = scene.seconds(0.1, 0.8)
    scene.order(storm_share=share, turned_away=False, slow_seconds=0.0, until=until)


def turn_away(scene: Scene) -> None:
    """421 instead of a greeting, and to connections that are already open."""
    until = time.monotonic() + scene.seconds(1, 3)
    scene.order(turned_away=True, storm_share=0.0, slow_seconds=0.0, until=until)


def refuse_connections(scene: Scene) -> None:
    scene.order(refused=scene.chance.randint(1, 4))


def skew_clock(scene: Scene) -> None:
    """A worker with a clock that is an hour fast or slow takes another's place."""
    if worker := scene.fleet.any_worker(scene.chance):
        ask_to_end(worker)
        worker.is_replaced = True
        scene.fleet.add_worker(DIGESTS, skew=scene.chance.choice((-HOUR, HOUR)))


def ask_to_end(worker: Process) -> None:
    worker.wanted = False
    worker.asked_at = time.monotonic()
    worker.popen.send_signal(signal.SIGTERM)


Fault = Callable[[Scene], None]
FAULTS: tuple[Fault, ...] = (
    *(kill_worker, kill_worker, kill_child, kill_clockwork, lose_host, stop_worker),
    *(freeze_worker, freeze_briefly, suspend, skew_clock),
    *(flush_redis, restart_redis, drop_connections, restart_postgres, crash_postgres),
    *(accept_silently, drop, hang, stall, be_slow, storm, turn_away, refuse_connections),
)
