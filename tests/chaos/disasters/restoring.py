"""A dump in the middle of a run is restored, by somebody who knows pg_restore alone."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from deploy.keeping import programs
from digest.models import Restoration
from tests.chaos.faults import Scene
from tests.chaos.processes import POOL

# How long workers may take to start on a busy machine.
PATIENCE = 120.0
TABLES = ("digest_*", "subscribers_*", "django_*", "auth_*")


def restore_backup(scene: Scene) -> None:
    """A dump in the middle of a run, which goes on; readers leave; then the dump is restored."""
    with (
        NamedTemporaryFile(suffix=".dump") as file,
        override_settings(STATE_FOLDER=_web_folder(scene)),
    ):
        # What is being handed over while it is made is in doubt for good.
        scene.doubt_of_pool(2 * POOL, settings.DELIVERY_CHUNK)
        chosen = [f"--table={name}" for name in TABLES]
        programs.run("pg_dump", "--format=custom", "--no-owner", *chosen, to=file.fileno())
        before = scene.mail.count()
        _wait(lambda: scene.mail.count() > before + scene.chance.randint(5, 40), 4)
        scene.readers.stop_the_mail(scene.chance.randint(3, 8))
        _wait(lambda: scene.mail.count() > before + scene.chance.randint(40, 80), 3)
        scene.doubt_of_pool(POOL * len(scene.fleet.stop()))
        after = scene.mail.count()
        _restore(file.name)
        scene.fleet.start()
        _leave_safe_mode(scene)
    scene.tell(f"restored: {before} mails before the dump, {after} before the restore")


def _restore(name: str) -> None:
    """As somebody does it who has never heard of our own command."""
    connection.close()
    programs.run("pg_restore", "--clean", "--if-exists", "--no-owner", name)


def _leave_safe_mode(scene: Scene) -> None:
    """The operator waits for what the hosts know, and says what they are told to say."""
    found = Restoration.objects.filter(settled_at=None)
    hosts_told = found.exclude(sent_until=None)
    assert _wait(found.exists, PATIENCE), "no worker noticed that the database was restored"
    assert _wait(hosts_told.exists, PATIENCE), "no host told its mark"
    before = scene.mail.count()
    time.sleep(2)
    assert scene.mail.count() == before, "something was sent in safe mode"
    said = StringIO()
    call_command("after_restore", "--sent-until", datetime.now(UTC).isoformat(), stdout=said)
    scene.tell(said.getvalue().replace("\n", " "))
    settled = Restoration.objects.latest("found_at")
    assert settled.settled_at, "safe mode did not end"
    scene.doubt += settled.assumed


def _web_folder(scene: Scene) -> Path:
    """Where this process, in which readers act, notes who has left."""
    return scene.fleet.folder / "host-web"


def _wait(is_so: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
