"""Strict reading of hosts, URLs and addresses: each function returns what the protocols want.

Names with other letters than ASCII's become punycode (IDNA 2008, UTS 46), because neither SMTP nor
HTTP takes them. Raises ValueError, with words that never quote a password.
"""

import ipaddress
import re
from collections.abc import Mapping
from email.utils import quote
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult as Parts
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import environ
import idna
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_SOCKET = re.compile(r"redis\+socket:///[^?#\s]+(\?virtual_host=[0-9]{1,4})?", re.ASCII)
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# A name that may stand before an address without quotation marks (RFC 5322 §3.2.3).
_ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~ -]*")


def host(text: str) -> str:
    """The name or the IP address of a host, in ASCII; an IPv6 address without brackets."""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        pass
    name = text.rstrip(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError as error:
            raise ValueError(f"{text!r} is no host") from error
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise ValueError(f"{text!r} is no host")
    return name


def ip_address(text: str) -> str:
    """An IP address, in its usual form."""
    return str(ipaddress.ip_address(text.strip("[]")))


def selector(text: str) -> str:
    """The selector of a DKIM key, or ``selector@domain`` for a key of another domain."""
    name, at, domain = text.partition("@")
    return f"{host(name)}@{host(domain)}" if at else host(name)


def _port(parts: Parts) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("its port must be a number from 1 to 65535; write / in a password as %2F")
    return port


def _netloc(parts: Parts) -> str:
    name, port = host(parts.hostname or ""), _port(parts)
    return (f"[{name}]" if ":" in name else name) + (f":{port}" if port else "")


def split(text: str, schemes: set[str]) -> Parts:
    """The parts of a URL with one of these schemes and a host. A password in it must be encoded."""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("it is no URL") from None
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"it must begin with {' or '.join(f'{s}://' for s in sorted(schemes))}")
    if re.search(r"\s", text):
        raise ValueError("it contains a space")
    if "@" in parts.path or "@" in parts.query or parts.fragment or parts.netloc.count("@") > 1:
        raise ValueError("write /, ?, # and @ in a password as %2F, %3F, %23 and %40")
    _port(parts)
    return parts


def allowed_host(text: str) -> str:
    """A host for ALLOWED_HOSTS: with a dot before it, all hosts of the domain; ``*`` is any."""
    if text == "*":
        return text
    name = host(text.removeprefix("."))
    return f"[{name}]" if ":" in name else "." * text.startswith(".") + name


def origin(text: str) -> str:
    """A URL of http or https without anything after the host, such as https://news.example.org."""
    parts = split(text.rstrip("/"), {"http", "https"})
    if parts.path or parts.query or "@" in parts.netloc:
        raise ValueError("it must look like https://news.example.org")
    return f"{parts.scheme}://{_netloc(parts)}"


def page(text: str) -> str:
    """Any URL of http or https."""
    parts = split(text, {"http", "https"})
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{_netloc(parts)}").geturl()


def endpoint(text: str) -> str:
    """Any URL of http or https, without a slash at its end."""
    return page(text).rstrip("/")


def link(text: str) -> str:
    """What readers can follow: any URL of http or https, or a mail address, as a mailto: URL."""
    return page(text) if "://" in text else f"mailto:{address(text.removeprefix('mailto:'))}"


def redis(text: str) -> str:
    """The URL of a Redis server. The names of `ssl` for ssl_cert_reqs become those of redis-py."""
    if text.startswith("redis+socket:///"):
        if not _SOCKET.fullmatch(text):
            raise ValueError("after the path there is only the number of a database")
        return text
    parts = split(text, {"redis", "rediss"})
    if not re.fullmatch(r"/?|/[0-9]{1,4}", parts.path, re.ASCII):
        raise ValueError("after the host there is only the number of a database, such as /0")
    host(parts.hostname or "")
    options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    checks = options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if checks not in {"none", "optional", "required"}:
        raise ValueError("ssl_cert_reqs must be required, optional or none")
    files = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
    if unknown := options.keys() - files - {"ssl_cert_reqs"}:
        raise ValueError(f"nothing is known of the option {min(unknown)!r}")
    if options and parts.scheme == "redis":
        raise ValueError("only rediss:// has options")
    if "ssl_cert_reqs" in options:
        options["ssl_cert_reqs"] = checks
    return parts._replace(query=urlencode(options, safe="/")).geturl()


_NOTHING: Mapping[str, int] = {}


def database(
    text: str, session: Mapping[str, object] = _NOTHING, client: Mapping[str, int] = _NOTHING
) -> dict[str, Any]:
    """A PostgreSQL database, as an entry of Django's DATABASES.

    The server sets `session` whenever somebody connects; `client` is for PostgreSQL's own library,
    where the URL does not say otherwise.
    """
    if not text.startswith(("postgres://", "postgresql://")):
        raise ValueError("it must look like postgresql://user:password@host/name")
    # What names several hosts, or a socket's folder, is left to PostgreSQL's own library.
    is_plain = "," not in text and "%2f" not in text.lower() and ":///" not in text
    parts = split(text, {"postgres", "postgresql"}) if is_plain else urlsplit(text)
    if is_plain and parts.hostname:
        host(parts.hostname)
    config: dict[str, Any] = environ.Env.db_url_config(text)
    options = config.setdefault("OPTIONS", {})
    if not config.get("NAME"):
        raise ValueError("it names no database")
    try:
        make_conninfo(**{key: str(value) for key, value in options.items()})
    except ProgrammingError:
        raise ValueError("it has an option that PostgreSQL does not know") from None
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"sslmode must be one of {', '.join(_SSL_MODES)}")
    said = [options.get("options", ""), *(f"-c {key}={value}" for key, value in session.items())]
    config["OPTIONS"] = {**client, **options, "options": " ".join(filter(None, said))}
    return config


def mail_server(text: str) -> dict[str, str | int | bool]:
    """An SMTP server, as the arguments of a mail backend."""
    parts = split(text, {"smtp", "smtps", "smtp+tls", "smtp+ssl"})
    if parts.path.strip("/") or parts.query:
        raise ValueError("nothing may follow the host; write / and ? in a password as %2F and %3F")
    is_tls, is_ssl = parts.scheme in {"smtps", "smtp+tls"}, parts.scheme == "smtp+ssl"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password) or not (user + password).isprintable():
        raise ValueError("it needs a user and a password, or neither")
    return {
        "host": host(parts.hostname or ""),
        "port": _port(parts) or (587 if is_tls else 465 if is_ssl else 25),
        "username": user,
        "password": password,
        "use_tls": is_tls,
        "use_ssl": is_ssl,
    }


def address(text: str) -> str:
    """A bare mail address, its domain in ASCII."""
    local, at, domain = text.rpartition("@")
    if not at or len(local) > 64 or not _LOCAL.fullmatch(local):
        raise ValueError(f"{text!r} is no mail address")
    return f"{local}@{host(domain)}"


def recipient(text: str) -> str:
    """A mail address, or a domain that stands for all addresses at it; in small letters."""
    return (address(text) if "@" in text else host(text)).lower()


def mailbox(text: str) -> str:
    """A mail address that may have a name before it, as in ``Broadsheet <digest@example.org>``.

    A name with a comma or a colon is put into quotation marks, or it would be read as several.
    """
    name, bracket, rest = text.rpartition("<")
    if not bracket:
        return address(text)
    if not rest.endswith(">"):
        raise ValueError("it must look like Broadsheet <digest@news.example.org>")
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    bare = address(rest[:-1])
    if not name:
        return bare
    if not name.isprintable() or len(name) > 200 or "<" in name or ">" in name or "=?" in name:
        raise ValueError("its name contains what a mail's header cannot")
    return f"{name} <{bare}>" if _ATOMS.fullmatch(name) else f'"{quote(name)}" <{bare}>'


def folder(base: Path, text: str) -> Path:
    """A folder, which need not be there yet; a relative one is in `base`."""
    path = base / text
    try:
        is_other = any(one.exists() and not one.is_dir() for one in (path, *path.parents))
    except OSError as error:
        raise ValueError(type(error).__name__) from None
    if is_other:
        raise ValueError(f"{text[:80]!r} is no folder")
    return path


def title(text: str) -> str:
    """A short text that fits into a mail's header."""
    if not 1 <= len(text) <= 100 or not text.isprintable() or "=?" in text:
        raise ValueError("it must have from 1 to 100 printable characters")
    return text
