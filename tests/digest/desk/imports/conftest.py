"""An operator who may import, and a file as the page's script sends it."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from subscribers.importing import uploads, working
from subscribers.models import ImportFile
from tests.digest.desk.editions.operators import operator

VIEW, IMPORT = "subscribers.view_import", "subscribers.import_readers"
BASIS = "Double opt-in on the old site"
ROWS = [
    "email,status,name",
    "ada@dest.example,enabled,Ada",
    "bo@dest.example,enabled,=1+1",
    "cy@dest.example,blocklisted,Cy",
    "nobody,enabled,",
    "dee@dest.example,enabled,Dee",
]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a file of a few rows comes in several pieces, each ending within a row."""
    monkeypatch.setattr(uploads, "PIECE", 37)


@pytest.fixture
def client() -> Client:
    return operator(VIEW, IMPORT)


def text_of(rows: Sequence[str] = ROWS) -> bytes:
    return "\r\n".join(rows).encode()


def upload(client: Client, content: bytes, key: str = "") -> dict[str, Any]:
    """Send a file as the page's script does. Returns its last answer."""
    about = {"key": key or str(uuid4()), "name": "old.csv", "size": len(content)}
    begun = client.post("/admin/imports/begin/", about)
    if begun.status_code != 200:
        return dict(begun.json())
    to = begun.json()
    for number, start in enumerate(range(0, len(content), to["piece"])):
        piece = content[start : start + to["piece"]]
        url = f"{to['pieces']}{number}/"
        assert client.post(url, piece, "application/octet-stream").status_code == 204
    return dict(client.post(to["complete"]).json())


def uploaded(client: Client, rows: Sequence[str] = ROWS) -> ImportFile:
    page = upload(client, text_of(rows))["page"]
    return ImportFile.objects.get(pk=page.split("/")[-2])


def say(client: Client, file: ImportFile, act: str, **said: Any) -> Any:
    about = {"system": "plain", "basis": BASIS, "zone": "Europe/Lisbon", "hour": 7, **said}
    return client.post(f"/admin/imports/{file.pk}/act/", {"act": act, **about})


def outcomes(client: Client, file: ImportFile) -> dict[str, int]:
    page = client.get(f"/admin/imports/{file.pk}/")
    return {name: number for name, _, _, number in page.context["outcomes"]}


def imported(client: Client, rows: Sequence[str] = ROWS, **said: Any) -> ImportFile:
    file = uploaded(client, rows)
    say(client, file, "check", **said)
    working.work()
    say(client, file, "start")
    working.work()
    file.refresh_from_db()
    return file
