"""``python -m deploy.installing.make_secrets KEYS PASSWORDS``: what compose.yaml starts with.

Writes each secret into a file of its own, unless it is there, and prints none. Broadsheet alone
sees the folder KEYS; the servers of PostgreSQL and Redis see PASSWORDS, which holds only theirs.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.installing import make_env

_NAME = "broadsheet"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make_secrets", description=__doc__)
    parser.add_argument("keys", type=Path)
    parser.add_argument("passwords", type=Path)
    options = parser.parse_args(arguments)
    database = _kept(options.passwords / "postgres", secrets.token_urlsafe(24))
    redis = _kept(options.passwords / "redis.conf", f'requirepass {secrets.token_hex(24)}\nsave ""')
    for name, value in _values(database, redis.split()[1]).items():
        _kept(options.keys / name, value, mode=0o400)
    return 0


def _values(database: str, redis: str) -> Mapping[str, str]:
    """A value for each setting that is secret."""
    return {name: make() for name, make in make_env.KEYS.items()} | {
        "DATABASE_URL": f"postgresql://{_NAME}:{database}@postgres:5432/{_NAME}",
        "REDIS_URL": f"redis://:{redis}@redis:6379/0",
    }


def _kept(path: Path, fresh: str, *, mode: int = 0o444) -> str:
    """Write the file unless it is there, whole or not at all, and return what is in it."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}.new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w") as file:
            os.fchmod(file.fileno(), mode)
            file.write(f"{fresh}\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    return path.read_text().strip()


if __name__ == "__main__":
    sys.exit(main())
