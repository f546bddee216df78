"""Whether the demo's processes answer yet, and which port the site may use."""

import socket

import requests
from celery import Celery
from kombu.exceptions import OperationalError

from deploy.processes import ProcessError, is_free

FIRST_PORT = 8000


def choose_port(wanted: int | None) -> int:
    """Return `wanted`, or if that is None the first free port from 8000 on.

    Raises `ProcessError` if `wanted` is taken.
    """
    if wanted is None:
        return next(port for port in range(FIRST_PORT, 65536) if is_free(port))
    if not is_free(wanted):
        other = next(port for port in range(wanted + 1, 65536) if is_free(port))
        raise ProcessError(f"Port {wanted} is taken. Try: make demo PORT={other}")
    return wanted


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
