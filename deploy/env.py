"""Reads and checks environment variables. Nothing else in Broadsheet reads a setting from them.

A missing or wrong value stops the start with ImproperlyConfigured, which names the variable.
django-environ does the parsing and can read a secret from a file (``NAME_FILE``). This module
adds messages for values of the wrong kind.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

_env = environ.FileAwareEnv()
_env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"), overwrite=False)

_REQUIRED: Any = environ.Env.NOTSET


def _read(kind: str, name: str, default: Any) -> Any:
    try:
        value = getattr(_env, kind)(name, default=default)
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(f"{name} is not set. See deploy/env.example.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ImproperlyConfigured(f"{name} has an invalid value: {error}") from error
    return value


def text(name: str, default: str = _REQUIRED) -> str:
    """The variable as text, stripped because a secret read from a file ends in a newline."""
    return str(_read("str", name, default)).strip()


def boolean(name: str, *, default: bool = _REQUIRED) -> bool:
    """The variable as a boolean. A value that is neither yes nor no is refused, not read as no."""
    value = text(name, "" if default is _REQUIRED else str(default)).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0 (or true, false, yes, no), not {value!r}.")


def integer(name: str, default: int = _REQUIRED, *, least: int = 0, most: int | None = None) -> int:
    """The variable as an integer from `least` to `most`, both included."""
    value = int(_read("int", name, default))
    if value < least or (most is not None and value > most):
        limits = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ImproperlyConfigured(f"{name} must be {limits}, not {value}.")
    return value


def number(name: str, default: float = _REQUIRED) -> float:
    """The variable as a number."""
    return float(_read("float", name, default))


def rates(name: str) -> dict[str, float]:
    """The variable as rates by name: ``google=20,microsoft=10``.

    A number without a name is stored under "". An unset variable gives no rates.
    """
    pairs = [pair.rpartition("=") for pair in words(name, [])]
    return {key.strip(): _rate(name, value) for key, _, value in pairs}


def _rate(name: str, value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ImproperlyConfigured(f"{name} must contain numbers above zero, not {value!r}.")
    return found


def words(name: str, default: list[str] = _REQUIRED) -> list[str]:
    """The variable as a list, split at commas. Empty items are dropped."""
    return [word.strip() for word in _read("list", name, default) if word.strip()]


def folder(name: str, default: str) -> Path | None:
    """The variable as a folder, or None if it is empty. A relative one is in the checkout."""
    value = text(name, default)
    return BASE_DIR / value if value else None


def secret(name: str) -> str:
    """The variable as a key that cannot be guessed: required, at least 32 characters."""
    value = text(name)
    if len(value) < 32:
        raise ImproperlyConfigured(
            f"{name} is too short for a key. Make one of at least 32 characters with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(36))'."
        )
    return value


def site_url(name: str) -> str:
    """The variable as the URL of this site, without a path or a trailing slash."""
    value = text(name).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise ImproperlyConfigured(
            f"{name} must look like https://news.example.org, not {value!r}."
        )
    return value


def database(name: str) -> dict[str, Any]:
    """The variable (postgresql://…) as an entry of Django's DATABASES.

    What our sessions commit is on the disk, whatever the server, the database or the role has set:
    a mark that a crash undoes would be a second mail.
    """
    config = _read("db_url", name, _REQUIRED)
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            f"{name} must name a PostgreSQL database (postgresql://user:password@host/name)."
        )
    options = dict(config.get("OPTIONS", {}))
    options["options"] = f"{options.get('options', '')} -c synchronous_commit=on".strip()
    return {**config, "OPTIONS": options}


def mail_server(name: str, default: str) -> dict[str, Any]:
    """The variable (smtp://… or smtp+tls://…) as Django's EMAIL_… settings."""
    config = _read("email_url", name, default)
    if config.get("EMAIL_BACKEND") != "django.core.mail.backends.smtp.EmailBackend":
        raise ImproperlyConfigured(
            f"{name} must look like smtp://user:password@host:587 (smtp+tls:// for STARTTLS, "
            "smtp+ssl:// for TLS from the start)."
        )
    usual_port = 587 if config.get("EMAIL_USE_TLS") else 465 if config.get("EMAIL_USE_SSL") else 25
    return {**config, "EMAIL_PORT": config["EMAIL_PORT"] or usual_port}


def mail_services(name: str) -> dict[str, dict[str, Any]]:
    """The variable (``main=3,reserve=0``) as mail services by name.

    The number is the weight, 1 by default. Each service has a variable of its own, such as
    ``MAIL_SERVICE_MAIN``, with an SMTP server (smtp+tls://…) or the path of a mail backend.
    """
    services = {}
    for word in words(name, []):
        key, _, weight = word.partition("=")
        variable = f"MAIL_SERVICE_{key.upper()}"
        services[key] = {"WEIGHT": _weight(name, weight or "1"), **_mail_backend(variable)}
    return services


def _weight(name: str, value: str) -> float:
    return 0.0 if value.strip() == "0" else _rate(name, value)


def _mail_backend(name: str) -> dict[str, Any]:
    if "://" not in text(name):
        return {"BACKEND": text(name), "OPTIONS": {}}
    server = mail_server(name, _REQUIRED)
    options = {
        "host": server["EMAIL_HOST"],
        "port": server["EMAIL_PORT"],
        "username": server["EMAIL_HOST_USER"],
        "password": server["EMAIL_HOST_PASSWORD"],
        "use_tls": server.get("EMAIL_USE_TLS", False),
        "use_ssl": server.get("EMAIL_USE_SSL", False),
    }
    return {"BACKEND": "digest.delivery.mail_services.smtp.EmailBackend", "OPTIONS": options}


def starting_with(prefix: str) -> dict[str, str]:
    """Every variable whose name starts with `prefix`, by its full name."""
    return {
        name.removesuffix("_FILE"): text(name.removesuffix("_FILE"))
        for name in os.environ
        if name.startswith(prefix)
    }
