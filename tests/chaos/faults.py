"""What can happen in a round. Each fault records how many hand-overs it may leave in doubt."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from django.conf import settings
from django.db import connection
from django.utils import timezone

from subscribers.database import fetch
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber

from .processes import POOL, Fleet, MailServer
from .servers import PostgreSQL, Valkey

# By how many seconds a worker's clock is wrong.
HOUR = 3600


@dataclass
class Scene:
    """What the faults of one round act on, and what they did.

    `doubt` is the most hand-overs that all faults so far may have made uncertain. `left` maps
    readers to a time, by the database's clock, by which their unsubscribing was committed.
    """

    chance: Random
    fleet: Fleet
    mail_server: MailServer
    postgres: PostgreSQL
    valkey: Valkey
    readers: int
    done: Counter[str] = field(default_factory=Counter)
    doubt: int = 0
    left: dict[int, datetime] = field(default_factory=dict)

    def seconds(self, least: float, most: float) -> float:
        return self.chance.uniform(least, most)

    def tell(self, what: str) -> None:
        """Log what happened in the round's folder, with the time."""
        with (self.fleet.folder / "story.log").open("a") as story:
            story.write(f"{timezone.now():%H:%M:%S.%f} {what}\n")

    def doubt_of_pool(self, processes: int) -> None:
        """Each pool process may be handing over one chunk on each of its connections."""
        self.doubt += processes * settings.MAIL_CONNECTIONS * settings.DELIVERY_CHUNK


def kill_worker(scene: Scene) -> None:
    """SIGKILL to a worker and its pool at once, so that none of them can clean up."""
    if worker := scene.fleet.any_worker(scene.chance):
        worker.wanted = False
        worker.signal_group(signal.SIGKILL)
        worker.popen.wait()
        scene.doubt_of_pool(POOL)


def kill_child(scene: Scene) -> None:
    """SIGKILL to one pool process, as the kernel does when memory runs out."""
    worker = scene.fleet.any_worker(scene.chance)
    pool = worker.children() if worker else []
    if pool:
        with suppress(ProcessLookupError):
            os.kill(scene.chance.choice(pool), signal.SIGKILL)
        scene.doubt_of_pool(1)


def stop_worker(scene: Scene) -> None:
    """SIGTERM, as in every deployment: the worker must end in time and leave nothing in doubt."""
    if worker := scene.fleet.any_worker(scene.chance):
        worker.wanted = False
        worker.asked_at = time.monotonic()
        worker.popen.send_signal(signal.SIGTERM)


def freeze_worker(scene: Scene) -> None:
    """SIGSTOP until its leases have expired, as when a virtual machine is moved.

    The worker lives on, so it must notice that others have its digests, and must record the
    outcome of those it had handed over.
    """
    if worker := scene.fleet.any_worker(scene.chance):
        worker.signal_group(signal.SIGSTOP)
        time.sleep(settings.DELIVERY_LEASE.total_seconds() + scene.seconds(0.5, 2.5))
        worker.signal_group(signal.SIGCONT)


def flush_redis(scene: Scene) -> None:
    scene.valkey.flush()


def restart_redis(scene: Scene) -> None:
    scene.valkey.restart(pause=scene.seconds(0, 2))


def restart_postgres(scene: Scene) -> None:
    """A fast shutdown, which ends every session at once."""
    _restart_postgres(scene, signal.SIGINT)


def crash_postgres(scene: Scene) -> None:
    """An immediate shutdown, after which PostgreSQL recovers from its log."""
    _restart_postgres(scene, signal.SIGQUIT)


def accept_silently(scene: Scene) -> None:
    """The worst a mail server can do: it accepts the message, but the sender never learns that."""
    number = scene.chance.randint(1, 20)
    scene.mail_server.order(silent=number)
    scene.doubt += number


def drop(scene: Scene) -> None:
    """Looks the same to the sender, but these messages were not accepted."""
    number = scene.chance.randint(1, 20)
    scene.mail_server.order(dropped=number)
    scene.doubt += number


def stall(scene: Scene) -> None:
    """An answer that arrives after the lease has expired. The worker still records the outcome."""
    lease = settings.DELIVERY_LEASE.total_seconds()
    scene.mail_server.order(stalled=1, stall_seconds=lease + 2)


def storm(scene: Scene) -> None:
    """Many recipients are refused for now (450)."""
    until = time.monotonic() + scene.seconds(1, 3)
    scene.mail_server.order(storm_share=scene.seconds(0.1, 0.8), turned_away=False, until=until)


def turn_away(scene: Scene) -> None:
    """421 instead of a greeting, and to connections that are already open."""
    until = time.monotonic() + scene.seconds(1, 3)
    scene.mail_server.order(turned_away=True, storm_share=0.0, until=until)


def skew_clock(scene: Scene) -> None:
    """Add a worker whose clock is an hour fast or slow."""
    scene.fleet.add_worker(skew=scene.chance.choice((-HOUR, HOUR)))


def leave(scene: Scene) -> None:
    """Some readers unsubscribe. Nothing of theirs may be handed over after the commit."""
    for _ in range(scene.chance.randint(1, 10)):
        pk = scene.chance.randint(1, scene.readers)
        subscriber = Subscriber.objects.get(pk=pk)
        if unsubscribe(subscriber, Consent.Act.ONE_CLICK, timezone.now()):
            scene.left[pk] = _database_clock()


Fault = Callable[[Scene], None]
# A round is rough or gentle. No fault of a gentle round may leave a digest in doubt.
GENTLE: tuple[Fault, ...] = (
    stop_worker,
    freeze_worker,
    freeze_worker,
    flush_redis,
    restart_redis,
    storm,
    turn_away,
    stall,
    leave,
    skew_clock,
)
ROUGH: tuple[Fault, ...] = (
    *GENTLE,
    kill_worker,
    kill_worker,
    kill_child,
    kill_child,
    accept_silently,
    drop,
    restart_postgres,
    crash_postgres,
)


def _restart_postgres(scene: Scene, signal_number: int) -> None:
    """Outcomes cannot be recorded meanwhile, so each connection may leave a chunk in doubt."""
    scene.doubt_of_pool(scene.fleet.pool_size())
    connection.close()
    scene.postgres.restart(signal_number, pause=scene.seconds(0, 2))


def _database_clock() -> datetime:
    ((now,),) = fetch("SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return now
