"""What the demo keeps between two runs, and the environment of its processes."""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psycopg

from deploy.servers import ServerError, Servers

# The only variables that the children inherit. An operator's settings must not reach them: the
# demo's mails stay on this machine, whatever is set here.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH")
OPERATOR = "demo"


@dataclass(frozen=True, slots=True)
class Keys:
    """Random keys. `runs` counts the demos, because each run's readers need new addresses."""

    secret_key: str
    link_key: str
    address_key: str
    operator_password: str
    runs: int = 0


def next_run(folder: Path) -> Keys:
    """Return the keys in `folder`, created if missing, with this run counted."""
    file = folder / "keys"
    if file.exists():
        keys = Keys(**json.loads(file.read_text()))
    else:
        key = secrets.token_urlsafe
        keys = Keys(key(48), key(48), key(48), operator_password=key(9))
    keys = replace(keys, runs=keys.runs + 1)
    _write_private(file, json.dumps(asdict(keys), indent=2))
    return keys


def environment(
    folder: Path, keys: Keys, servers: Servers, port: int, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment of the children, except EMAIL_URL."""
    return {
        **{name: environ[name] for name in PASSED_ON if name in environ},
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "deploy.settings",
        "DEMO": "1",
        "DEMO_FOLDER": str(folder),
        "DEMO_OPERATOR": OPERATOR,
        "DEMO_PASSWORD": keys.operator_password,
        "SECOND_FACTOR_FOR": "",  # nobody is to fetch a phone to see a demo
        "SITE_URL": f"http://localhost:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "SECRET_KEY": keys.secret_key,
        "LINK_KEY": keys.link_key,
        "ADDRESS_KEY": keys.address_key,
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "MAIL_FROM": "Broadsheet <digest@demo.example.org>",
        "POSTAL_ADDRESS": "Broadsheet’s demo, 1 Example Street, Exampletown",
        "SOURCES": "",  # nothing is fetched from the network
        "TICK_SECONDS": "5",
        # Short, so that the next demo soon takes over what a killed one had leased.
        "DELIVERY_LEASE_SECONDS": "20",
        "DELIVERY_CHUNK": "5",
        "MAIL_TIMEOUT_SECONDS": "3",
        "MAIL_ANSWER_SECONDS": "5",
        "STATE_FOLDER": "",  # each demo forgets the one before
        "PYTHONUNBUFFERED": "1",
    }


def refuse_real_readers(database_url: str) -> None:
    """Raise `ServerError` if the database has readers that no demo created.

    DATABASE_URL may name a database for the demo. If that were the database of the operator's
    own site, the demo would use up the digests of real people.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('subscribers_subscriber')").fetchone() == (None,):
            return
        others = "SELECT EXISTS (SELECT FROM subscribers_subscriber WHERE email NOT LIKE %s)"
        if connection.execute(others, ["%@example.org"]).fetchone() == (True,):
            raise ServerError(
                "DATABASE_URL names a database with readers of its own, and the demo would use "
                "up their digests. Unset it, or point it to an empty database."
            )


def forget_old(database_url: str, mails: Path) -> None:
    """Empty the database and the mailbox if the newest edition is a week old or older.

    Digests hold no papers older than that. Only for the demo's own database.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('digest_edition')").fetchone() == (None,):
            return
        is_old = "SELECT max(date) <= current_date - 7 FROM digest_edition"
        if connection.execute(is_old).fetchone() == (True,):
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
            shutil.rmtree(mails, ignore_errors=True)


def _write_private(file: Path, content: str) -> None:
    """Replace the file with one that only we may read."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as output:
        output.write(content)
    unfinished.rename(file)
