"""Three short rounds of ``python -m tests.chaos``. Longer ones are run by hand."""

import os
import subprocess
import sys

from .servers import without_servers


def test_no_fault_doubles_or_loses_a_digest() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--rounds", "3", "--readers", "400"]
    # The third round is gentle: it may leave no digest in doubt.
    command += ["--seed", "7", "--first", "2"]

    ended = subprocess.run(
        command, env=without_servers(os.environ), capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
