"""A pytest plugin: every test run has a PostgreSQL and a Valkey of its own.

`-p tests.services_plugin` in pyproject.toml loads it early enough to set the environment before
pytest-django reads the settings. Each run uses its own folder, so two runs in one checkout do not
interfere, and so does each process of a run on several cores (`pytest -n`). A DATABASE_URL or
REDIS_URL in the environment takes precedence.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.servers import ServerError, running

HOME = Path(__file__).resolve().parents[1] / ".broadsheet"
ENVIRONMENT = {
    "ENV_FILE": os.devnull,  # tests must not read an operator's .env
    "DJANGO_SETTINGS_MODULE": "deploy.settings",
    "SECRET_KEY": "test-only-secret-key-0123456789-0123456789",
    "LINK_KEY": "test-only-link-key-0123456789-0123456789",
    "ADDRESS_KEY": "test-only-address-key-0123456789-0123456789",
    "SITE_URL": "https://news.example.org",
    "DEBUG": "0",
    "MAIL_FROM": "Broadsheet <digest@news.example.org>",
    "EMAIL_URL": "smtp://127.0.0.1:1",  # nothing listens there
    "SECOND_FACTOR_FOR": "",  # most tests log in with a password alone
    "PICTURES_FOLDER": "",  # tests with pictures have folders of their own
    "STATE_FOLDER": "",  # every test starts with another database
}
# The process that hands out tests to others needs settings, but no servers.
NOWHERE = {
    "DATABASE_URL": "postgresql://nowhere.invalid/none",
    "REDIS_URL": "redis://nowhere.invalid",
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start the servers. This is a wrapper because pytest-django's own hook is a `tryfirst`."""
    os.environ |= ENVIRONMENT
    if _has_workers(early_config):
        os.environ |= {name: os.environ.get(name, url) for name, url in NOWHERE.items()}
        return (yield)
    for name, url in NOWHERE.items():
        if os.environ.get(name) == url:  # a worker inherits it
            del os.environ[name]
    _sweep()
    folder = HOME / f"test-{os.getpid()}"
    stack = ExitStack()
    early_config.add_cleanup(stack.close)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    try:
        servers = stack.enter_context(running(folder, durable=False))
    except ServerError as error:
        raise pytest.UsageError(str(error)) from error
    os.environ |= {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
    return (yield)


def _has_workers(config: pytest.Config) -> bool:
    """Whether this process only hands out the tests to others (pytest-xdist)."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return False
    return bool(getattr(config.known_args_namespace, "numprocesses", None))


def _sweep() -> None:
    """Remove the folders that killed runs left behind."""
    for folder in HOME.glob("test-*"):
        if not _is_running(int(folder.name.removeprefix("test-"))):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process
        return True
    return pid != os.getpid()
