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
# A round is given at least so long to send, so that the faults come in the middle of it.
SENDING_SECONDS = 5.0
# Every so many rounds one is gentle: nothing in it may leave any doubt.
GENTLE_EVERY = 4
PATIENCE = 120.0
# The rows are asked this often whether all is settled.
GLANCE = 0.5


@dataclass(frozen=True, slots=True)
class Report:
    """What one round came to."""

    number: int
    seconds: float
    faults: Counter[str]
    doubt: int
    verdict: Verdict
    violations: Sequence[str]
    fallen: Sequence[str]


@dataclass(frozen=True, slots=True)
class Site:
    """What the rounds share."""

    folder: Path
    postgres: PostgreSQL
    valkey: Valkey
    readers: int
    workers: int
    seed: int


def play(site: Site, number: int) -> Report:
    """Play one round and judge it. The same seed and number bring the same faults, and at the
    same counts of mails; what the processes are doing just then is up to the machine."""
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
            # A worker that was taken for dead told at its end what surely had not gone out.
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
    """Run workers and two beats until all is settled, and stop them. Answers whether it was,
    and who did not stop as it should."""
    scene.tell("the beginning")
    try:
        for _ in range(workers):
            scene.fleet.add_worker()
        for _ in range(2):
            scene.fleet.add_beat()
        is_settled = _perform(scene, script)
    finally:
        scene.tell("the end")
        late = scene.fleet.stop()
    return is_settled, late


def _set_stage(site: Site, chance: Random) -> None:
    site.valkey.flush()
    load.start_anew()
    topic, other = load.add_edition(chance)
    load.add_readers(site.readers, topic, other)


def _environment(mail_server: MailServer) -> dict[str, str]:
    return {**os.environ, **LIVELY, "EMAIL_URL": f"smtp://127.0.0.1:{mail_server.port}"}


def _script(scene: Scene, number: int) -> list[tuple[int, Fault]]:
    """Which faults come after how many mails."""
    chance = scene.chance
    catalogue = faults.ROUGH if number % GENTLE_EVERY else faults.GENTLE
    chosen = [*chance.choices(catalogue, k=chance.randint(4, 9)), faults.leave]
    moments = sorted(chance.randrange(scene.readers * 9 // 10) for _ in chosen)
    return list(zip(moments, chosen, strict=True))


def _perform(scene: Scene, script: Sequence[tuple[int, Fault]]) -> bool:
    """Let each fault happen in its moment. Answers whether all was settled in the end."""
    left = list(script)
    deadline = time.monotonic() + PATIENCE
    glance_at = 0.0
    moved_at, count = time.monotonic(), 0
    while time.monotonic() < deadline:
        time.sleep(0.02)
        scene.doubt_of_pool(POOL * scene.fleet.replace_ended())
        if (now_count := scene.mail_server.count()) != count:
            moved_at, count = time.monotonic(), now_count
        # Where nothing moves any more, the next fault need not wait for it.
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
    """Do as an operator who releases what is held, and as the clock that ends every wait."""
    Hold.objects.active().update(released_at=Now())
    BackOff.objects.all().delete()
    waiting = Digest.objects.filter(state=State.READY, lease_token=None)
    waiting.filter(next_attempt_at__gt=Now()).update(next_attempt_at=Now())


def _is_settled() -> bool:
    """Whether everybody who was due is planned, and nothing is ready or being sent."""
    if Subscriber.objects.active().filter(next_due_at__lte=Now()).exists():
        return False
    return not Digest.objects.filter(state__in=[State.READY, State.SENDING]).exists()
