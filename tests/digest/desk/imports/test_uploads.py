"""What an operator may send, and who may."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from deploy.limits import most_bytes
from subscribers.importing import uploads, working
from subscribers.models import Import, ImportFile, ImportPiece
from tests.digest.desk.editions.operators import operator

from .conftest import IMPORT, VIEW, text_of, upload, uploaded

pytestmark = pytest.mark.django_db


# --- what does not go ----------------------------------------------------------------------
def test_who_may_not_import_sees_the_history_and_can_do_nothing(client: Client) -> None:
    file = uploaded(client)
    one = Import.objects.create(system="plain")
    viewer = operator(VIEW)
    posts = ("begin/", "whole/", f"{file.pk}/act/", f"{file.pk}/complete/", f"undo/{one.pk}/")
    pages = ("", f"{file.pk}/", f"{file.pk}/rows/", f"{file.pk}/rows.csv")

    assert {viewer.post(f"/admin/imports/{url}").status_code for url in posts} == {403}
    assert {viewer.get(f"/admin/imports/{url}").status_code for url in pages} == {200}
    assert {operator().get(f"/admin/imports/{url}").status_code for url in pages} == {403}
    assert viewer.post(f"/admin/imports/{file.pk}/pieces/0/").status_code == 403
    assert {client.get(f"/admin/imports/{url}").status_code for url in posts} == {405}
    # Nobody adds to somebody else's file.
    assert operator(VIEW, IMPORT).post(f"/admin/imports/{file.pk}/complete/").status_code == 404


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "A file may have up to"),
        (b"PK\x03\x04 a workbook", "This is a ZIP archive"),
        (b"ada@dest.example,Ada\r\nbo@dest.example,Bo", "The first row has an address in it"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(
    client: Client, content: bytes, problem: str
) -> None:
    assert problem in upload(client, content)["problem"]


def test_pieces_are_only_those_that_were_said_and_count_once(client: Client) -> None:
    content, key = text_of(), str(uuid4())
    about = {"key": key, "name": "old.csv", "size": len(content)}
    to = client.post("/admin/imports/begin/", about).json()
    assert client.post("/admin/imports/begin/", about).json() == to

    def send(number: int, piece: bytes) -> int:
        url = f"{to['pieces']}{number}/"
        return client.post(url, piece, "application/octet-stream").status_code

    assert send(0, content[:36]) == 400
    assert send(99, content[:37]) == 400
    assert [send(0, content[:37]), send(0, b"x" * 37)] == [204, 204]
    assert "not come completely" in client.post(to["complete"]).json()["problem"]
    assert bytes(ImportPiece.objects.get().content) == content[:37]
    assert client.post("/admin/imports/begin/", {**about, "key": "x"}).status_code == 400


def test_without_a_script_a_form_sends_a_small_file_as_a_whole(client: Client) -> None:
    file = SimpleUploadedFile("old.csv", text_of())
    answer = client.post("/admin/imports/whole/", {"key": str(uuid4()), "file": file})

    assert answer["Location"] == f"/admin/imports/{ImportFile.objects.get().pk}/"
    assert client.post("/admin/imports/whole/", {"key": "x"})["Location"] == "/admin/imports/"


def test_a_piece_fits_into_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert most_bytes("/admin/imports/1/pieces/0/") > uploads.PIECE


def test_a_file_that_nobody_touches_is_forgotten_after_a_week(client: Client) -> None:
    old, new = uploaded(client), uploaded(client)
    long_ago = timezone.now() - timedelta(days=8)
    ImportFile.objects.filter(pk=old.pk).update(changed_at=long_ago)

    working.forget_old(timezone.now())

    assert list(ImportFile.objects.values_list("pk", flat=True)) == [new.pk]
    assert set(ImportPiece.objects.values_list("file", flat=True)) == {new.pk}
