"""The children of `make run`."""

import os
import signal
from pathlib import Path

from deploy.demo.processes import Children


def test_a_child_that_ended_is_started_anew(tmp_path: Path) -> None:
    children = Children(tmp_path, dict(os.environ))
    first = children.start("server", "http.server", "--bind", "127.0.0.1", "0")
    assert children.revive() == []

    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    (failure,) = children.revive()
    (second,) = children.running
    alive = second.process.poll()
    children.stop()

    assert str(failure).startswith("server ended with -9 and was started anew")
    assert (second.process.pid != first.process.pid, alive) == (True, None)
