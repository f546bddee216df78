"""The processes that `make run` starts."""

import os
import secrets
import socket
from pathlib import Path

import pytest
import requests
from django.db import connection

from deploy import processes
from deploy.processes import Programs


def environment_with(database: str) -> dict[str, str]:
    """The environment of the tests, with another database name."""
    address, query, parameters = os.environ["DATABASE_URL"].partition("?")
    url = f"{address.rpartition('/')[0]}/{database}{query}{parameters}"
    return os.environ | {"DATABASE_URL": url, "ALLOWED_HOSTS": "127.0.0.1"}


def open_all(site: str, tokens: dict[str, str]) -> set[int]:
    """GET and POST each token's page, and GET one under a foreign host. Returns the statuses."""
    entered = {"email": "reader@dest.example"}
    below = {"d": "/2026-11-23", "v": "/1"}
    with requests.Session() as session:
        session.trust_env = False  # a proxy cannot reach this machine's own addresses
        answers = [
            session.request(method, f"{site}/{kind}/{token}{below.get(kind, '')}", data=entered,
                            allow_redirects=False, timeout=20)
            for kind, token in tokens.items()
            for method in ("GET", "POST")
        ]  # fmt: skip
        foreign = {"Host": "evil.example"}
        answers.append(session.get(f"{site}/u/{tokens['u']}", headers=foreign, timeout=20))
    return {answer.status_code for answer in answers}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("database", "expected"), [("ours", {200, 302, 400, 404}), ("nowhere", {400, 503})]
)
def test_the_site_writes_no_token_and_no_address_into_its_log(
    tmp_path: Path, database: str, expected: set[int]
) -> None:
    """Neither Django nor the server does, even when every page fails."""
    name = connection.settings_dict["NAME"] if database == "ours" else database
    programs = Programs(tmp_path, environment=environment_with(name))
    tokens = {kind: secrets.token_urlsafe(24) for kind in "ucnpadv"}
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    web = processes.start_web(programs, listening)

    try:
        programs.wait_until(lambda: processes.is_answering(port), web)
        statuses = open_all(f"http://127.0.0.1:{port}", tokens)
    finally:
        programs.stop()
        listening.close()

    log = web.log.read_text()
    assert ("Listening at" in log, statuses) == (True, expected)
    assert [secret for secret in (*tokens.values(), "dest.example") if secret in log] == []
