"""The short form of ``python -m tests.chaos``. The long one is run by hand."""

import os
import subprocess
import sys

from .servers import without_servers


def test_nothing_is_lost_or_sent_twice_on_a_day_full_of_faults() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--rounds", "1", "--readers", "100"]
    command += ["--days", "1", "--seed", "7", "--first", "4"]

    ended = subprocess.run(
        command, env=without_servers(os.environ), capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
