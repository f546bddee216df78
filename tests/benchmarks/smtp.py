"""Over SMTP on loopback into Postfix's smtp-sink, compared with Postfix's own smtp-source."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from tests.benchmarks.engine import WORKERS, deliver_to

READERS = int(os.environ.get("READERS", "20000"))
# Over all workers.
CONNECTIONS = (2, 4, 8)


def run() -> Table:
    table = Table("over SMTP into smtp-sink", *(f"{number} connections" for number in CONNECTIONS))
    with TemporaryDirectory() as folder:
        tools = _Postfix(Path(folder))
        ours, theirs = [], []
        for number in CONNECTIONS:
            with tools.sink() as port:
                ours.append(deliver_to(READERS, _environ(port, number)))
            # With messages of the same size.
            theirs.append(tools.rate_of_smtp_source(number, ours[-1].message_bytes))
    table.add_row("messages/s of smtp-source", *(f"{rate:,.0f}" for rate in theirs))
    table.add_row("messages/s of Broadsheet", *(f"{one.per_second:,.0f}" for one in ours))
    shares = (one.per_second / rate for one, rate in zip(ours, theirs, strict=True))
    table.add_row("share", *(f"{share:.0%}" for share in shares))
    table.add_row("bytes a message", *(f"{one.message_bytes:,}" for one in ours))
    table.add_row("µs of hand over", *(f"{one.stages['hand over']:.0f}" for one in ours))
    table.add_row("µs of ours", *(f"{one.own_cpu:.0f}" for one in ours))
    table.add_row("µs of PostgreSQL", *(f"{one.server_cpu:.0f}" for one in ours))
    table.add_row("MB a worker", *(f"{one.peak_mb:.0f}" for one in ours))
    return table


def _environ(port: int, connections: int) -> dict[str, str]:
    return {
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "MAIL_CONNECTIONS": str(connections // WORKERS),
    }


class _Postfix:
    """Two programs of Debian's package postfix, unpacked from it unless they are installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = Path("/") if shutil.which("smtp-sink", path="/usr/sbin") else self._unpack()

    def _unpack(self) -> Path:
        subprocess.run(["apt-get", "download", "-qq", "postfix"], cwd=self._folder, check=True)
        (package,) = self._folder.glob("postfix_*.deb")
        root = self._folder / "root"
        subprocess.run(["dpkg", "-x", package, root], check=True)
        return root

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._root / "usr" / "sbin" / program, *arguments],
            env={**os.environ, "LD_LIBRARY_PATH": str(self._root / "usr" / "lib" / "postfix")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @contextmanager
    def sink(self) -> Iterator[int]:
        """Run smtp-sink on a free port and yield the port."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        # As root, smtp-sink requires a user to switch to.
        account = ("-u", "nobody") if os.geteuid() == 0 else ()
        with self._start("smtp-sink", *account, f"127.0.0.1:{port}", "1000") as sink:
            _wait_for(port)
            yield port
            sink.terminate()

    def rate_of_smtp_source(self, connections: int, message_bytes: int) -> float:
        """Messages per second that smtp-source reaches with this many connections and this size."""
        with self.sink() as port:
            start = time.monotonic()
            source = self._start(
                "smtp-source",
                *("-s", str(connections), "-m", str(READERS), "-l", str(message_bytes), "-d"),
                f"127.0.0.1:{port}",
            )
            assert source.wait() == 0
            return READERS / (time.monotonic() - start)


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("smtp-sink did not start")
