"""One round: readers, an edition, workers, and what happens to them until all is settled."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from django.db.models.functions import Now

from digest.models import BackOff, Digest, Hold
from subscribers.models import Subscriber
from tests.workers import LIVELY

from . import faults, load
from .faults import Fault, Scene
from .oracle import Verdict, judge
from .processes import POOL, Fleet, MailServer
from .servers import PostgreSQL, Valkey

State = Digest.State
# Sending takes at least this long in a round, so that faults happen in the middle of it.
SENDING_SECONDS = 5.0
# One round in this many is gentle: no fault in it may leave a digest in doubt.
GENTLE_EVERY = 4
PATIENCE = 120.0
# Seconds between two checks whether everything is settled.
GLANCE = 0.5


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one round."""

    number: int
    seconds: float
    faults: Counter[str]
    doubt: int
    verdict: Verdict
    violations: Sequence[str]
    fallen: Sequence[str]


@dataclass(frozen=True, slots=True)
class Site:
    """What all rounds share."""

    folder: Path
    postgres: PostgreSQL
    valkey: Valkey
    readers: int
    workers: int
    seed: int


def play(site: Site, number: int) -> Report:
    """Play one round and judge it.

    The same seed and number give the same faults after the same numbers of mails. What the
    processes are doing at that moment depends on the machine.
    """
    chance = Random(f"{site.seed}/{number}")
    folder = site.folder / f"round-{number}"
    folder.mkdir()
    _set_stage(site, chance)
    begun = time.monotonic()
    rate = site.readers / SENDING_SECONDS
    with MailServer(folder / "ledger", rate=rate, seed=site.seed + number) as mail_server:
        fleet = Fleet(folder, _environment(mail_server))
        scene = Scene(chance, fleet, mail_server, site.postgres, site.valkey, site.readers)
        is_settled, late = _work(scene, site.workers, _script(scene, number))
        if is_settled and not _is_settled():
            # A worker taken for dead has reported at its end what it had surely not sent.
            is_settled, later = _work(scene, 1, [])
            late += later
        verdict = judge(scene, mail_server.entries())
    seconds = time.monotonic() - begun
    more = [] if is_settled else [f"not settled after {PATIENCE:.0f} s"]
    violations = [*verdict.violations, *more, *fleet.stuck, *late]
    return Report(number, seconds, scene.done, scene.doubt, verdict, violations, fleet.fallen)


def _work(
    scene: Scene, workers: int, script: Sequence[tuple[int, Fault]]
) -> tuple[bool, list[str]]:
    """Run workers and two beats until everything is settled, then stop them.

    Returns whether everything was settled, and the processes that did not stop in time.
    """
    scene.tell("start")
    try:
        for _ in range(workers):
            scene.fleet.add_worker()
        for _ in range(2):
            scene.fleet.add_beat()
        is_settled = _perform(scene, script)
    finally:
        scene.tell("end")
        late = scene.fleet.stop()
    return is_settled, late


def _set_stage(site: Site, chance: Random) -> None:
    site.valkey.flush()
    load.clear_database()
    topic, other = load.add_edition(chance)
    load.add_readers(site.readers, topic, other)


def _environment(mail_server: MailServer) -> dict[str, str]:
    return {**os.environ, **LIVELY, "EMAIL_URL": f"smtp://127.0.0.1:{mail_server.port}"}


def _script(scene: Scene, number: int) -> list[tuple[int, Fault]]:
    """The faults, each with the number of mails after which it happens."""
    chance = scene.chance
    catalogue = faults.ROUGH if number % GENTLE_EVERY else faults.GENTLE
    chosen = [*chance.choices(catalogue, k=chance.randint(4, 9)), faults.leave]
    moments = sorted(chance.randrange(scene.readers * 9 // 10) for _ in chosen)
    return list(zip(moments, chosen, strict=True))


def _perform(scene: Scene, script: Sequence[tuple[int, Fault]]) -> bool:
    """Make each fault happen at its moment. Returns whether everything was settled in the end."""
    left = list(script)
    deadline = time.monotonic() + PATIENCE
    glance_at = 0.0
    moved_at, count = time.monotonic(), 0
    while time.monotonic() < deadline:
        time.sleep(0.02)
        scene.doubt_of_pool(POOL * scene.fleet.replace_ended())
        if (now_count := scene.mail_server.count()) != count:
            moved_at, count = time.monotonic(), now_count
        # If no more mails arrive, the next fault does not wait for them.
        is_stuck = time.monotonic() - moved_at > 3 * GLANCE and count > 0
        if left and (count >= left[0][0] or is_stuck):
            _, fault = left.pop(0)
            scene.tell(f"{fault.__name__} after {count} mails")
            fault(scene)
            scene.done[fault.__name__] += 1
            moved_at = time.monotonic()
        if time.monotonic() > glance_at:
            glance_at = time.monotonic() + GLANCE
            _let_time_pass()
            if not left and _is_settled():
                return True
    return False


def _let_time_pass() -> None:
    """Release holds as an operator would, and end every wait as time would."""
    Hold.objects.active().update(released_at=Now())
    BackOff.objects.all().delete()
    waiting = Digest.objects.filter(state=State.READY, lease_token=None)
    waiting.filter(next_attempt_at__gt=Now()).update(next_attempt_at=Now())


def _is_settled() -> bool:
    """Whether everyone due has been planned and no digest is ready or being sent."""
    if Subscriber.objects.active().filter(next_due_at__lte=Now()).exists():
        return False
    return not Digest.objects.filter(state__in=[State.READY, State.SENDING]).exists()
