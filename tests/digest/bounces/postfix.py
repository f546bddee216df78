"""A Postfix of our own: it takes mail for anybody, and returns what the next server refuses.

Debian's package postfix has it. It needs root, because each of its parts is another user.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

DAEMONS = Path("/usr/lib/postfix/sbin")
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.org
mydestination = news.example.org
mynetworks = 127.0.0.0/8
recipient_delimiter = +
disable_dns_lookups = yes
smtp_host_lookup = native
transport_maps = inline:{{ {{dest.example = smtp:[127.0.0.1]:{next_port}}} }}
alias_maps = hash:{folder}/aliases
alias_database =
local_recipient_maps =
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
smtp_tls_security_level = none
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
local unix - n n - - local
error unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def missing() -> str:
    """Why it cannot be run here, or ""."""
    if not (DAEMONS / "master").exists():
        return "Debian's package postfix is not installed"
    return "" if os.geteuid() == 0 else "Postfix needs root"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def running(next_port: int, aliases: Sequence[str]) -> Iterator[tuple[int, Path]]:
    """Run it. Yields its port, and a folder in which every user may write.

    `next_port` is where mail for dest.example goes; {folder} in an alias is that folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    folder.chmod(0o755)
    (drop := folder / "drop").mkdir()
    drop.chmod(0o777)
    values = {
        "folder": folder,
        "daemons": DAEMONS,
        "next_port": next_port,
        "port": _free_port(),
    }
    (folder / "main.cf").write_text(_MAIN.format(**values))
    (folder / "master.cf").write_text(_MASTER.format(**values))
    lines = [line.replace("{folder}", str(drop)) for line in aliases]
    (folder / "aliases").write_text("".join(f"{line}\n" for line in lines))
    for name in ("queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    subprocess.run(["postalias", "-c", folder, f"hash:{folder}/aliases"], check=True)
    subprocess.run(["postfix", "-c", folder, "start"], check=True, capture_output=True)
    try:
        yield int(str(values["port"])), drop
    except BaseException:
        sys.stderr.write((folder / "log").read_text())  # pytest shows it
        raise
    finally:
        subprocess.run(["postfix", "-c", folder, "abort"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
