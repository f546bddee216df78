"""``manage.py make_env``: writes .env with good keys, and asks for what nobody else can know.

Safe to repeat: what stands in the file is never changed, only what is missing is added.
"""

import argparse
import grp
import io
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from deploy.values import numbers, places

BASE_DIR = Path(__file__).resolve().parents[2]
HEADER = """\
# Broadsheet's settings on this machine; deploy/env.example describes all that there are.
# Keep a copy of the three keys apart from the database's backups. Readers' links are made with
# LINK_KEY, and what we know of who must not be written to with ADDRESS_KEY: never change either.
"""
# What the services run as, once `make service` has installed them.
SERVICE = "broadsheet"
NEXT = """\
Next:
  1. Make the database, if it is not there yet. As the user postgres:
       psql -c "CREATE ROLE {user} LOGIN PASSWORD '<the one in {path}>'"
       createdb --owner {user} {name}
  2. .venv/bin/python manage.py migrate
  3. .venv/bin/python manage.py check --deploy
  4. make run, which prints a link for the owner's account
"""
NEXT_FOR_SERVICES = """\
Next:
  1. Make the database, if it is not there yet:
       runuser -u postgres -- createuser {user}
       runuser -u postgres -- createdb --owner {user} {name}
  2. broadsheet migrate
  3. broadsheet check --deploy
  4. systemctl enable --now broadsheet.target
  5. broadsheet invite_owner
"""


@dataclass(frozen=True, slots=True)
class Question:
    """One variable to ask for, what is proposed, and how an answer is checked."""

    name: str
    words: str
    proposal: Callable[[Mapping[str, str]], str]
    # Raises ValueError, in words for the operator.
    check: Callable[[str], Any]

    @property
    def option(self) -> str:
        return "--" + self.name.lower().replace("_", "-")


class EnvError(Exception):
    """The file cannot be written, or an answer is missing. The message says what to do."""


def _host(answers: Mapping[str, str]) -> str:
    return urlsplit(answers["SITE_URL"]).hostname or "localhost"


def _database() -> str:
    """For services, this machine's socket, where PostgreSQL knows their user without a password."""
    if _service_group() is not None:
        return f"postgresql://{SERVICE}@/{SERVICE}?host=/var/run/postgresql"
    return f"postgresql://broadsheet:{secrets.token_urlsafe(18)}@localhost:5432/broadsheet"


def _service_group() -> int | None:
    """The group that must be able to read what we write, if we are root and it is there."""
    try:
        return grp.getgrnam(SERVICE).gr_gid if os.geteuid() == 0 else None
    except KeyError:
        return None


def _addresses(text: str) -> None:
    for word in filter(None, map(str.strip, text.split(","))):
        places.address(word)


QUESTIONS = (
    Question(
        "SITE_URL",
        "The public address of the site. It appears in every mail.",
        lambda _: "https://news.example.org",
        places.origin,
    ),
    Question(
        "MAIL_FROM",
        "The sender of all mails.",
        lambda answers: f"Broadsheet <digest@{_host(answers)}>",
        places.mailbox,
    ),
    Question(
        "EMAIL_URL",
        "The mail server: smtp://host, smtp+tls://user:password@host:587 or smtp+ssl://…:465.",
        lambda _: "smtp://localhost:25",
        places.mail_server,
    ),
    Question(
        "OPERATORS_MAIL",
        "Who is told when something needs a person (addresses, separated by commas; may be empty).",
        lambda _: "",
        _addresses,
    ),
    Question(
        "POSTAL_ADDRESS",
        "The postal address at the foot of every digest. Many laws require one (may be empty).",
        lambda _: "",
        str,
    ),
    Question(
        "TRUSTED_PROXIES",
        "How many proxies of yours a request goes through, the one with TLS included.",
        lambda answers: "1" if answers["SITE_URL"].startswith("https:") else "0",
        partial(numbers.integer, least=0, most=10),
    ),
    Question(
        "DATABASE_URL",
        "The PostgreSQL database.",
        lambda _: _database(),
        places.database,
    ),
    Question("REDIS_URL", "The Redis server.", lambda _: "redis://localhost:6379/0", places.redis),
)
# Made, never asked for.
KEYS: dict[str, Callable[[], str]] = {
    **dict.fromkeys(("SECRET_KEY", "LINK_KEY", "ADDRESS_KEY"), partial(secrets.token_urlsafe, 48)),
    "WEBHOOK_SECRET": lambda: f"broadsheet:{secrets.token_urlsafe(24)}",
}


def main(arguments: Sequence[str]) -> int:
    """Write or complete the file. Returns the exit code; prints no key."""
    given = vars(_parser().parse_args(arguments))
    path = Path(os.environ.get("ENV_FILE", BASE_DIR / ".env"))
    try:
        known = _read(path)
        answers = _answers(known, given, is_asking=sys.stdin.isatty())
        missing = {name: value for name, value in answers.items() if name not in known}
        if missing:
            _write(path, missing, is_new=not known)
        _check(path)
    except EnvError as error:
        print(f"✗ {error}", file=sys.stderr)  # noqa: T201  # a command's output
        return 1
    what = f"{len(missing)} values were added to" if known else "Written:"
    database = urlsplit(answers["DATABASE_URL"])
    readers = "only its owner" if _service_group() is None else "only root and the services"
    print(f"{what} {path} ({readers} may read it)." if missing else f"{path} is complete.")  # noqa: T201  # a command's output
    words = NEXT if _service_group() is None else NEXT_FOR_SERVICES
    print(words.format(path=path.name, user=database.username, name=database.path.strip("/")))  # noqa: T201  # a command's output
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py make_env", description=__doc__)
    for question in QUESTIONS:
        parser.add_argument(question.option, dest=question.name, help=question.words)
    return parser


def _read(path: Path) -> dict[str, str]:
    """What stands in the file already."""
    if not path.exists():
        return {}
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise EnvError(f"{path} cannot be read: {type(error).__name__}.") from error
    found: dict[str, str] = {}

    class Reader(environ.Env):  # type: ignore[misc]  # it has no types
        ENVIRON = found

    Reader.read_env(io.StringIO(text))
    return {name.removesuffix("_FILE"): value for name, value in found.items()}


def _answers(
    known: Mapping[str, str], given: Mapping[str, Any], *, is_asking: bool
) -> dict[str, str]:
    """A value for each variable: the one in the file, given, asked for, proposed or made.

    Without a terminal to ask on, what is proposed will do, except for the address of the site.
    """
    answers = dict(known)
    for question in QUESTIONS:
        if question.name in known:
            continue
        proposal = question.proposal(answers)
        if (value := given[question.name]) is not None:
            answers[question.name] = _checked(question, value)
        elif is_asking:
            answers[question.name] = _asked(question, proposal)
        elif question.name != "SITE_URL":
            answers[question.name] = proposal
        else:
            raise EnvError("There is no terminal to ask on. Give at least --site-url.")
    return answers | {name: make() for name, make in KEYS.items() if name not in known}


def _asked(question: Question, proposal: str) -> str:
    """Ask until the answer is one that will work. Enter takes the proposal."""
    print(question.words)  # noqa: T201  # the question
    while True:
        try:
            answer = input(f"  {question.name} [{proposal}]: ").strip() or proposal
            return _checked(question, answer)
        except EnvError as error:
            print(f"  {error}")  # noqa: T201  # the question again
        except EOFError as error:
            raise EnvError("Nothing was written, because not everything was answered.") from error


def _checked(question: Question, value: str) -> str:
    if not value.isprintable():
        raise EnvError(f"{question.name} contains a control character.")
    try:
        question.check(value)
    except ValueError as error:
        raise EnvError(f"{question.name} cannot be {value!r}: {error}.") from error
    return value


def _write(path: Path, values: Mapping[str, str], *, is_new: bool) -> None:
    """Add the values to the file, by way of another name: a full disk leaves the old file whole."""
    lines = [f"{name}={value}" for name, value in values.items()]
    before = HEADER if is_new else path.read_text().rstrip("\n")
    temporary = path.with_name(f"{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            if (group := _service_group()) is not None:
                os.fchown(file.fileno(), -1, group)
                os.fchmod(file.fileno(), 0o640)
            file.write("\n".join([before, *lines, ""]))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise EnvError(f"{path} cannot be written: {error.strerror}.") from error


def _check(path: Path) -> None:
    """Raise EnvError unless the settings load with this file: it may contain more than we ask."""
    done = subprocess.run(
        [sys.executable, "-c", "import deploy.settings"],
        cwd=BASE_DIR,
        env=os.environ | {"ENV_FILE": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        *_, last = done.stderr.strip().splitlines()
        raise EnvError(
            f"{path} is there, but: {last.partition('ImproperlyConfigured: ')[2] or last}"
        )
