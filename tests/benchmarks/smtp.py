"""Over SMTP on loopback into Postfix's smtp-sink, against Postfix's own smtp-source."""

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

READERS = 20_000
CONNECTIONS = 8  # over all workers
# A digest of ten papers as it goes over the line, headers included.
MESSAGE_BYTES = 26_000


def run() -> Table:
    table = Table("over SMTP into smtp-sink", "messages/s", "share", "MB a worker")
    with TemporaryDirectory() as folder:
        tools = _Postfix(Path(folder))
        baseline = tools.rate_of_smtp_source()
        with tools.sink() as port:
            ours = deliver_to(READERS, _environ(port))
    table.add_row("Postfix's smtp-source", f"{baseline:,.0f}", "100 %", "")
    share = f"{ours.per_second / baseline:.0%}"
    table.add_row("Broadsheet, everything", f"{ours.per_second:,.0f}", share, f"{ours.peak_mb:.0f}")
    return table


def _environ(port: int) -> dict[str, str]:
    return {
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "MAIL_CONNECTIONS": str(CONNECTIONS // WORKERS),
    }


class _Postfix:
    """The two programs of Debian's package postfix, unpacked from it if they are not here."""

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
        """smtp-sink on a free port while the context lasts."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        # A privileged smtp-sink wants to become somebody else.
        account = ("-u", "nobody") if os.geteuid() == 0 else ()
        with self._start("smtp-sink", *account, f"127.0.0.1:{port}", "1000") as sink:
            _wait_for(port)
            yield port
            sink.terminate()

    def rate_of_smtp_source(self) -> float:
        """Messages a second that smtp-source reaches with our connections and message size."""
        with self.sink() as port:
            start = time.monotonic()
            source = self._start(
                "smtp-source",
                *("-s", str(CONNECTIONS), "-m", str(READERS), "-l", str(MESSAGE_BYTES), "-d"),
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
    raise RuntimeError("smtp-sink does not start")
