"""Workers of two versions side by side."""

import os
import subprocess
from pathlib import Path

from tests.chaos.faults import Scene, ask_to_end
from tests.chaos.processes import DIGESTS

ROOT = Path(__file__).resolve().parents[3]
# The version that runs beside ours; any commit whose code can use our tables.
EARLIER = os.environ.get("CHAOS_EARLIER", "HEAD~1")


def change_version(scene: Scene) -> None:
    """A worker of another version takes one's place, so that both run side by side: an earlier one
    at first, and ours again later. The other worker goes on meanwhile."""
    if worker := scene.fleet.any_worker(scene.chance):
        earlier = next((one for one in scene.fleet.running if one.home and one.wanted), None)
        worker = earlier or worker
        ask_to_end(worker)
        worker.is_replaced = True
        home = "" if earlier else str(_checkout(scene.fleet.folder / "earlier"))
        scene.fleet.add_worker(DIGESTS, host=worker.host, home=home)


def _checkout(folder: Path) -> Path:
    """The code of the earlier version, or ours if there is no git to get it from."""
    folder.mkdir(exist_ok=True)
    archive = subprocess.run(
        ["git", "archive", EARLIER], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        return ROOT
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder
