"""Reads and checks environment variables. Nothing else in Broadsheet reads a setting from them.

A missing or wrong value stops the start with ImproperlyConfigured, which names the variable.
django-environ reads the file .env, and a secret from a file of its own (``NAME_FILE``). This module
is strict about their values, which ``deploy.values`` reads.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

from deploy import examples
from deploy.values import backends, numbers, places, stores

BASE_DIR = Path(__file__).resolve().parent.parent

_env = environ.FileAwareEnv()
_env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"), overwrite=False)

T = TypeVar("T")
_REQUIRED: Any = environ.Env.NOTSET
# Unicode's categories of characters that no setting contains: control and unpaired surrogates,
# and the separators of lines.
_NOT_TEXT = {"Cc", "Cs", "Zl", "Zp"}


def _read(name: str, default: Any) -> Any:
    """The variable as text, or `default` if it is not set."""
    try:
        value = _env.ENVIRON.get(name)
    except (OSError, UnicodeDecodeError) as error:
        # The name of the file is no secret; what is in it may be.
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {type(error).__name__}") from error
    if value is None:
        if default is _REQUIRED:
            raise ImproperlyConfigured(f"{name} is not set. See deploy/env.example.")
        return default
    # A secret read from a file ends in a newline.
    value = value.strip()
    if any(unicodedata.category(character) in _NOT_TEXT for character in value):
        raise ImproperlyConfigured(f"{name} contains a line break or another control character.")
    return value


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Give an error about the variable's value the name of the variable."""
    try:
        yield
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} has an invalid value: {error}") from None


def text(name: str, default: str = _REQUIRED, *, among: Collection[str] = ()) -> str:
    """The variable as text; one of `among`, if there are any."""
    value = str(_read(name, default))
    if among and value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}, not {value!r}.")
    return value


def title(name: str, default: str) -> str:
    """The variable as a short text that is not empty."""
    with _named(name):
        return places.title(text(name, default))


def boolean(name: str, *, default: bool = _REQUIRED) -> bool:
    """The variable as a boolean. A value that is neither yes nor no is refused, not read as no."""
    value = str(_read(name, default)).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0 (or true, false, yes, no), not {value!r}.")


def integer(
    name: str, default: int = _REQUIRED, *, least: int = 0, most: int = numbers.MOST
) -> int:
    """The variable as an integer from `least` to `most`, both included."""
    value = str(_read(name, default))
    with _named(name):
        return numbers.integer(value, least, most)


def integers(name: str, default: list[int]) -> list[int]:
    """The variable as a list of whole numbers from 1 on; the same may come twice."""
    items = str(_read(name, ",".join(map(str, default)))).split(",")
    with _named(name):
        return [numbers.integer(one.strip(), 1, numbers.MOST) for one in items if one.strip()]


def number(name: str, default: float = _REQUIRED, *, least: float = 0, most: float) -> float:
    """The variable as a number from `least` to `most`, both included."""
    value = str(_read(name, default))
    with _named(name):
        return numbers.decimal(value, least, most)


def percent(name: str, default: float) -> float:
    """The variable as a share, from a percentage: above 0, because 0 would stop everything."""
    return number(name, default, least=0.001, most=100) / 100


def rates(name: str, *, among: Collection[str]) -> dict[str, float]:
    """The variable as rates by name, ``main=20,second=10``; one without a name is under ""."""
    found = _rates(name)
    if unknown := found.keys() - set(among):
        raise ImproperlyConfigured(f"{name} names {min(unknown)[:80]!r}, which is unknown.")
    return found


def daily(name: str, default: dict[str, int], *, among: Collection[str]) -> dict[str, int]:
    """The variable as whole numbers by name, like `rates`."""
    with _named(name):
        found = rates(name, among=among)
        return {key: numbers.whole(value) for key, value in found.items()} or default


def provider_rates(name: str, default: dict[str, float]) -> dict[str, float]:
    """The variable as rates by mailbox provider or domain: ``google=20,microsoft=10``."""
    with _named(name):
        return {numbers.provider(key): value for key, value in _rates(name).items()} or default


def _rates(name: str) -> dict[str, float]:
    found: dict[str, float] = {}
    with _named(name):
        for word in words(name, []):
            key, _, value = (part.strip() for part in word.rpartition("="))
            if key in found:
                raise ValueError(f"it names {key[:80]!r} twice")
            found[key] = numbers.rate(value)
    return found


def words(
    name: str, default: list[str] = _REQUIRED, *, among: Collection[str] = (), pattern: str = ""
) -> list[str]:
    """The variable as a list, split at commas, of which each has the pattern. Empty items are
    dropped, and none may come twice."""
    value = _read(name, default)
    items = value.split(",") if isinstance(value, str) else value
    found = [word.strip() for word in items if word.strip()]
    for number, word in enumerate(found):
        if (among and word not in among) or (pattern and not re.fullmatch(pattern, word, re.ASCII)):
            choice = f" It may contain {', '.join(among)}." if among else ""
            raise ImproperlyConfigured(f"{name} contains {word[:80]!r}.{choice}")
        if word in found[:number]:
            raise ImproperlyConfigured(f"{name} contains {word[:80]!r} twice.")
    return found


def _each(read: Callable[[str], T], name: str, default: list[str]) -> list[T]:
    """The variable as a list, split at commas, of what `read` makes of each word."""
    with _named(name):
        return [read(word) for word in words(name, default)]


# Lists: of hosts, where ``.example.org`` stands for all hosts of a domain; of origins, such as
# https://blog.example.org; of URLs; of bare mail addresses, without and with domains among them; of
# IP addresses; of DKIM's selectors; and of folders, like `folder`.
hosts = partial(_each, places.allowed_host)
origins = partial(_each, places.origin)
pages = partial(_each, places.page)
addresses = partial(_each, places.address)
recipients = partial(_each, places.recipient)
ip_addresses = partial(_each, places.ip_address)
selectors = partial(_each, places.selector)
folders = partial(_each, partial(places.folder, BASE_DIR))


def mailbox(name: str, default: str = _REQUIRED) -> str:
    """The variable as a mail address, with or without a name. Empty only if that is the default."""
    value = text(name, default)
    with _named(name):
        return places.mailbox(value) if value or default is _REQUIRED else ""


def _optional(read: Callable[[str], str], name: str, default: str = "") -> str:
    """The variable as what `read` makes of it, or empty."""
    value = text(name, default)
    with _named(name):
        return read(value) if value else ""


# A bare mail address; where mail arrives; a URL of http or https without a slash at its end; what
# readers can follow.
address = partial(_optional, places.address)
mail_store = partial(_optional, stores.mail_store)
endpoint = partial(_optional, places.endpoint)
link = partial(_optional, places.link)


def host(name: str, default: str) -> str:
    """The variable as the name of a host, or empty if that is the default."""
    value = text(name, default)
    with _named(name):
        return places.host(value) if value or default else ""


def redis(name: str) -> str:
    """The variable as the URL of a Redis server."""
    with _named(name):
        return places.redis(text(name))


def folder(name: str, default: str) -> Path | None:
    """The variable as a folder, or None if it is empty. A relative one is in the checkout."""
    value = text(name, default)
    with _named(name):
        return places.folder(BASE_DIR, value) if value else None


def secret(name: str) -> str:
    """The variable as a key that cannot be guessed: required, at least 32 characters."""
    value = text(name)
    if len(value) < 32:
        raise ImproperlyConfigured(
            f"{name} is too short for a key. Make one of at least 32 characters with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )
    return _not_an_example(name, value)


def secrets(name: str, default: list[str], *, pattern: str = "") -> list[str]:
    """The variable as a list of keys or passwords, none of which is an example."""
    return [_not_an_example(name, value) for value in words(name, default, pattern=pattern)]


def _not_an_example(name: str, value: str) -> str:
    is_local = boolean("DEBUG", default=False) and examples.is_local(text("SITE_URL", ""))
    return examples.checked(name, value, is_allowed=is_local)


def site_url(name: str) -> str:
    """The variable as the URL of this site, without a path or a trailing slash."""
    with _named(name):
        return places.origin(text(name))


def database(
    name: str, default: str = _REQUIRED, *, session: Mapping[str, object], client: Mapping[str, int]
) -> dict[str, Any]:
    """The variable (postgresql://…) as an entry of Django's DATABASES; empty if it is and may be.

    For `session` and `client` see ``places.database``.
    """
    value = text(name, default)
    with _named(name):
        return places.database(value, session, client) if value or default else {}


def mail_server(name: str, default: str) -> dict[str, Any]:
    """The variable (smtp://… or smtp+tls://…) as the arguments of a mail backend."""
    with _named(name):
        return places.mail_server(text(name, default))


def mail_services(name: str) -> dict[str, dict[str, Any]]:
    """The variable (``main=3,reserve=0``) as mail services by name.

    The number is the weight, 1 by default. Each service has a variable of its own, such as
    ``MAIL_SERVICE_MAIN``, with an SMTP server (smtp+tls://…) or the path of a mail backend.
    """
    services: dict[str, dict[str, Any]] = {}
    for word in words(name, [], pattern=r"[A-Za-z][A-Za-z0-9_]{0,39}\s*(=\s*[0-9.]+)?"):
        key, _, weight = (part.strip() for part in word.partition("="))
        if key.upper() in map(str.upper, services):
            raise ImproperlyConfigured(f"{name} names {key!r} twice.")
        variable = f"MAIL_SERVICE_{key.upper()}"
        if _read(variable, None) is None:
            raise ImproperlyConfigured(f"{name} names {key!r}, but {variable} is not set.")
        services[key] = {"WEIGHT": _weight(name, weight or "1"), **_mail_service(variable)}
    return services


def _weight(name: str, value: str) -> float:
    with _named(name):
        return 0.0 if value == "0" else numbers.rate(value)


def _mail_service(name: str) -> dict[str, Any]:
    if "://" not in text(name):
        return {"BACKEND": mail_backend(name), "OPTIONS": {}}
    return {"BACKEND": backends.SMTP, "OPTIONS": mail_server(name, _REQUIRED)}


def mail_backend(name: str, default: str = _REQUIRED) -> str:
    """The variable as the path of a mail backend's class, whose module must be there."""
    with _named(name):
        return backends.checked(text(name, default))


def starting_with(prefix: str) -> dict[str, str]:
    """Every variable whose name starts with `prefix`, by its full name."""
    names = (name.removesuffix("_FILE") for name in os.environ if name.startswith(prefix))
    return {name: _not_an_example(name, text(name)) for name in names}
