"""Whether the demo's processes answer yet, and which port the site may use."""

import socket

import requests
from celery import Celery
from kombu.exceptions import OperationalError

from deploy.processes import ProcessError, take_port

FIRST_PORT = 8000


def choose_port(wanted: int | None) -> socket.socket:
    """Return a socket that listens on `wanted`, or if that is None on the first free port.

    It listens from now on: the site starts much later, and another program might take the port.
    Raises `ProcessError` if `wanted` is taken.
    """
    if wanted is None:
        return _first_free(FIRST_PORT)
    if (listening := take_port(wanted)) is None:
        with _first_free(wanted + 1) as other:
            raise ProcessError(
                f"Port {wanted} is taken. Try: make demo PORT={other.getsockname()[1]}"
            )
    return listening


def _first_free(first: int) -> socket.socket:
    return next(filter(None, map(take_port, range(first, 65536))))


def is_site_up(url: str) -> bool:
    """Whether the page is served with status 200."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy cannot reach this machine's own addresses
        try:
            return session.get(url, timeout=5).status_code == 200
        except requests.RequestException:
            return False


def is_worker_up(redis_url: str) -> bool:
    """Whether a Celery worker answers a ping."""
    with Celery(broker=redis_url, set_as_current=False) as app:
        try:
            return bool(app.control.ping(timeout=0.5, limit=1))
        except OperationalError:
            return False


def is_mail_server_up(port: int) -> bool:
    """Whether a mail server on this port of 127.0.0.1 sends its greeting."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False
