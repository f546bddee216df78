"""The systemd units can be installed, are sound, and give a service no more than it needs."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from configparser import RawConfigParser
from pathlib import Path

import pytest
from django.conf import settings

from deploy import processes
from digest.desk.today import broker

ROOT = Path(__file__).resolve().parents[2]
SERVICES = (
    *("broadsheet-web", "broadsheet-worker@digests", "broadsheet-worker@letters"),
    *("broadsheet-clock", "broadsheet-watch", "broadsheet-backup", "broadsheet-all"),
)
# What `systemd-analyze security` may say at most: 0 is a service that may do nothing, 9.6 is one
# without any of this, and up to 2.0 is its "OK".
MOST_EXPOSED = 1.5
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the units were installed as `make service` does it."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        ["sh", ROOT / "deploy" / "systemd" / "install.sh"],
        env={**os.environ, "DESTDIR": str(folder)},
        cwd="/",
        check=True,
        capture_output=True,
    )
    return folder


def analyze(installed: Path, *arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        ["systemd-analyze", *arguments],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{installed / 'etc/systemd/system'}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def unit(name: str) -> RawConfigParser:
    found = RawConfigParser(strict=False)
    found.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation says
    found.read(ROOT / "deploy" / "systemd" / name)
    return found


def command(name: str) -> Sequence[str]:
    return shlex.split(unit(name)["Service"]["ExecStart"].replace("\\\n", " "))


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(installed: Path) -> None:
    names = [f"{name}.service" for name in SERVICES]
    others = ["broadsheet.target", "broadsheet-web.socket", "broadsheet-backup.timer"]
    units = [installed / "etc/systemd/system" / name for name in [*names, *others]]

    assert analyze(installed, "verify", "--man=no", *units) == (0, "")

    broken = units[-2]
    broken_path = broken.with_name("broadsheet-broken.socket")
    broken_path.write_text(broken.read_text().replace("127.0.0.1:8000", "no address"))
    assert "Failed to parse address" in analyze(installed, "verify", broken_path)[1]
    broken_path.unlink()


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little_beside_its_work(installed: Path, name: str) -> None:
    most = f"--threshold={MOST_EXPOSED * 10:.0f}"

    code, said = analyze(
        installed, "security", "--offline=yes", "--no-pager", most, f"{name}.service"
    )

    assert code == 0, said


def test_the_units_start_what_make_run_starts() -> None:
    """Each queue has a worker, and each worker the arguments that ours have elsewhere."""
    worker = command("broadsheet-worker@.service")
    queues = [
        unit(name)["Service"]["Environment"].removeprefix("QUEUES=").split(",")
        for name in (
            *("broadsheet-worker@.service", "broadsheet-worker@letters.service.d/queues.conf"),
        )
    ]

    assert sorted(queue for one in queues for queue in one) == sorted(broker.queue_names())
    ours = processes.worker_arguments("ticks")
    assert {part for part in ours if part.startswith("--")} <= set(worker)
    assert worker[worker.index("--concurrency") + 1] == ours[ours.index("--concurrency") + 1]
    for name in SERVICES:
        program = Path(command(f"{name.partition('@')[0]}{'@' * ('@' in name)}.service")[0])
        assert (ROOT / program.relative_to("/opt/broadsheet")).exists()


def test_no_unit_says_what_all_have_in_common() -> None:
    """systemd reads that file last: a backup that should run once was started again for ever."""
    folder = ROOT / "deploy" / "systemd"
    common = unit("broadsheet-.service.d/common.conf")["Service"]

    own = {path.name: set(unit(path.name)["Service"]) for path in folder.glob("*.service")}

    assert {name: keys & set(common) for name, keys in own.items() if keys & set(common)} == {}
    assert {name for name, keys in own.items() if "Restart" not in keys} == {
        "broadsheet-backup.service"
    }
    assert unit("broadsheet-backup.service")["Service"]["Type"] == "oneshot"


def test_workers_can_keep_their_journal() -> None:
    """Without it a worker that dies leaves a whole chunk in doubt: it needs a folder to write to,
    and the id of the host's boot."""
    common = unit("broadsheet-.service.d/common.conf")["Service"]

    assert common.get("ProcSubset", "all") == "all"
    assert common["StateDirectory"] == "broadsheet"


def test_a_worker_has_time_for_the_slowest_answer_of_a_mail_server() -> None:
    seconds = int(unit("broadsheet-worker@.service")["Service"]["TimeoutStopSec"])

    assert seconds > settings.MAIL_ANSWER_SECONDS + settings.EMAIL_TIMEOUT


def test_the_units_lead_to_the_checkout_they_were_installed_from(installed: Path) -> None:
    files = [path for path in installed.rglob("*") if path.is_file()]

    assert [path for path in files if "/opt/broadsheet" in path.read_text()] == []
    web = installed / "etc/systemd/system/broadsheet-web.service"
    assert f"ExecStart={ROOT}/.venv/bin/python -m deploy.web" in web.read_text()
    wrapper = installed / "usr/local/bin/broadsheet"
    assert f'cd "{ROOT}"' in wrapper.read_text()
    assert subprocess.run(["sh", "-n", wrapper], check=False).returncode == 0
