"""A real PgBouncer in transaction mode, in front of the test's PostgreSQL."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from deploy import children
from deploy.servers.account import account, give_to_account
from deploy.servers.starting import wait_until_ready

PORT = 6432
# As Debian 12 has it (1.18), with so few sessions that they go from hand to hand.
SETTINGS = """
[databases]
* = host={server} port=5432 connect_query='SET synchronous_commit = on'

[pgbouncer]
unix_socket_dir = {folder}
unix_socket_mode = 0777
listen_addr =
listen_port = {port}
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
"""


@contextmanager
def pooled(folder: Path, url: str) -> Iterator[str]:
    """Run PgBouncer and yield the URL by which it leads to the database of `url`.

    Skips the test where there is no PgBouncer.
    """
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian: apt install pgbouncer)")
    parts = urlsplit(url)
    settings, log = folder / "pgbouncer.ini", folder / "pgbouncer.log"
    server = parse_qs(parts.query)["host"][0]
    settings.write_text(SETTINGS.format(server=server, folder=folder, port=PORT))
    (folder / "users").write_text('"postgres" ""\n')
    give_to_account(folder)
    child = children.spawn([program, str(settings)], log=log, account=account().command)
    own = f"postgresql://postgres@:{PORT}{parts.path}?host={folder}"
    try:
        wait_until_ready("PgBouncer", child, log, lambda: psycopg.connect(own).close())
        yield own
    finally:
        children.stop(child)
