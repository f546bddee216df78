"""Which user PostgreSQL runs as: it refuses to run as root."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploy.children import works
from deploy.servers.starting import ServerError


@dataclass(frozen=True)
class Account:
    """A command that switches the user, and the user ID that must own the files (None: ours)."""

    command: tuple[str, ...]
    owner: int | None = None


@cache
def account() -> Account:
    """How to run PostgreSQL's programs here. Raises `ServerError` if there is no way.

    Unless we are root, nothing needs switching. As root, the server gets a user namespace in
    which it sees itself as user 1000, while the kernel lets it use root's files. Where that is
    forbidden (as in most containers), `nobody` (65534 on Linux) runs the server and owns the data.
    """
    if os.geteuid() != 0:
        return Account(())
    namespace = Account(("unshare", "--user", "--map-user=1000", "--map-group=1000"))
    nobody = Account(("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"), owner=65534)
    for candidate in (namespace, nobody):
        if works([*candidate.command, "true"]):
            return candidate
    raise ServerError(
        "PostgreSQL does not run as root, and neither `unshare` nor `setpriv` can switch the "
        "user here. Work as an ordinary user, or set DATABASE_URL to a server of your own."
    )


def give_to_account(folder: Path) -> None:
    """Make the account the owner of the folder, if it needs to be."""
    owner = account().owner
    if owner is not None:
        os.chown(folder, owner, owner)
