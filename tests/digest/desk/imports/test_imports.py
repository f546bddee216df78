"""A file in the admin: checked, imported, undone; and the export."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from digest.models import AuditEntry
from subscribers.importing import storing, uploads, working
from subscribers.leaving import erasing
from subscribers.models import (
    Consent,
    Import,
    ImportFile,
    ImportPiece,
    ImportRow,
    Subscriber,
    Suppression,
)
from tests.digest.desk.editions.operators import operator
from tests.factories import make_reader, make_topic

from .conftest import BASIS, IMPORT, VIEW, imported, outcomes, say, uploaded

pytestmark = pytest.mark.django_db

EXPORT = "subscribers.export_readers"


# --- the whole way -------------------------------------------------------------------------
def test_a_file_is_uploaded_in_pieces_checked_imported_and_undone(client: Client) -> None:
    topic = make_topic(name="Robots")
    file = uploaded(client)
    assert ImportPiece.objects.count() > 3

    say(client, file, "check", topics=[topic.pk])
    working.work()
    counts = {"added": 3, "blocked": 1, "invalid": 1}
    assert outcomes(client, file) == counts
    assert not Subscriber.objects.exists()
    assert not Import.objects.exists()

    say(client, file, "start")
    working.work()
    assert outcomes(client, file) == counts
    readers = Subscriber.objects.order_by("email")
    assert [(r.email[:3], r.zone, r.topics.get()) for r in readers] == [
        (name, "Europe/Lisbon", topic) for name in ("ada", "bo@", "dee")
    ]
    one = Import.objects.get()
    assert (one.basis, one.system, one.by) == (BASIS, "plain", "operator0")
    assert Consent.objects.filter(act="imported", imported_with=one).count() == 3
    # The file itself is gone; what became of its rows has no address.
    assert not ImportPiece.objects.exists()
    assert "dest.example" not in str(list(ImportRow.objects.values()))

    history = client.get("/admin/imports/").content.decode()
    assert BASIS in history
    assert "operator0" in history
    for _ in range(2):
        client.post(f"/admin/imports/undo/{one.pk}/")
        working.work()
    assert not Subscriber.objects.exists()
    assert not Suppression.objects.exists()
    assert "undone at" in client.get("/admin/imports/").content.decode()
    acts = list(AuditEntry.objects.order_by("pk").values_list("act", "result"))
    assert acts == [
        *(("import.upload", "done"), ("import.check", "done"), ("import.start", "done")),
        *(("import.undo", "done"), ("import.undo", "same")),
    ]


def test_each_button_is_safe_to_press_twice(client: Client) -> None:
    file = uploaded(client)
    for act in ("start", "check", "check"):
        say(client, file, act)
    working.work()
    for _ in range(2):
        say(client, file, "start")
    working.work()
    working.work()
    for _ in range(2):
        assert say(client, file, "drop").status_code == 302

    assert Import.objects.count() == 1
    assert Subscriber.objects.count() == 3
    assert not ImportFile.objects.exists()


def test_nobody_who_is_suppressed_was_erased_or_has_left_comes_back(client: Client) -> None:
    """Also if that happens between the check and the import."""
    now = timezone.now()
    gone = make_reader(email="ada@dest.example")
    left = make_reader(email="dee@dest.example", state="unsubscribed", next_due_at=None)
    file = uploaded(client)
    say(client, file, "check")
    working.work()
    assert outcomes(client, file)["reader_active"] == 1
    erasing.erase(gone, now)
    Suppression.objects.create(
        address_hash=make_reader(email="bo@dest.example").address_hash, reason="complained"
    )
    Subscriber.objects.filter(email="bo@dest.example").delete()
    say(client, file, "start")
    working.work()

    assert outcomes(client, file) == {
        "erased": 1,
        "suppressed": 1,
        "reader_unsubscribed": 1,
        "blocked": 1,
        "invalid": 1,
    }
    left.refresh_from_db()
    assert [reader.state for reader in Subscriber.objects.all()] == ["unsubscribed"]


def test_an_import_that_was_interrupted_goes_on_as_the_same(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = uploaded(client)
    say(client, file, "check")
    working.work()
    say(client, file, "start")
    monkeypatch.setattr(storing, "store", _dies)
    with pytest.raises(SystemExit):
        working.work()
    monkeypatch.undo()
    monkeypatch.setattr(uploads, "PIECE", 37)
    working.work()

    assert Import.objects.get().finished_at
    assert Consent.objects.filter(act="imported", imported_with=Import.objects.get()).count() == 3


def _dies(*_: object) -> Any:
    raise SystemExit


# --- what is said of a file ----------------------------------------------------------------
def test_without_a_basis_nothing_is_checked(client: Client) -> None:
    file = uploaded(client)

    page = say(client, file, "check", basis=" ")

    assert "basis" in page.context["form"].errors
    file.refresh_from_db()
    assert file.state == "ready"


def test_columns_can_be_mapped_and_what_cannot_be_is_said(client: Client) -> None:
    file = uploaded(client, ["contact,opted,email", "ada@dest.example,yes,x", "b@x.org,no,x"])
    mapped = {"column-0": "email", "column-1": "is_subscribed", "column-2": "-"}

    wrong = say(client, file, "check", **{**mapped, "column-2": "email"})
    assert "would be the field" in " ".join(wrong.context["form"].non_field_errors())
    say(client, file, "check", **mapped)
    working.work()

    assert outcomes(client, file) == {"added": 1, "left": 1}


def test_the_system_is_recognised_and_its_columns_are_shown(client: Client) -> None:
    file = uploaded(client, ["uuid,email,attributes,status", "1,ada@dest.example,{},enabled"])
    page = client.get(f"/admin/imports/{file.pk}/")

    assert page.context["form"]["system"].value() == "listmonk"
    assert "the subscription status" in page.content.decode()
    usual = [str(field.field.choices[0][1]) for field in page.context["form"].columns]
    assert usual == [
        *("left out", "address, as the system has it", "left out", "state, as the system has it")
    ]


# --- the report ----------------------------------------------------------------------------
def test_the_report_is_paged_and_can_be_downloaded_without_formulas(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.desk.imports.pages.ROWS", 2)
    file = imported(client)
    ImportRow.objects.filter(number=5).update(note="=HYPERLINK(1)")
    after, numbers = 0, []
    while after is not None:
        page = client.get(f"/admin/imports/{file.pk}/rows/?after={after}")
        numbers += [number for number, *_ in page.context["rows"]]
        after = page.context["following"]
    some = client.get(f"/admin/imports/{file.pk}/rows/?outcome=blocked").context["rows"]
    download = client.get(f"/admin/imports/{file.pk}/rows.csv")
    text = b"".join(download.streaming_content).decode("utf-8-sig")

    assert numbers == [2, 3, 4, 5, 6]
    assert [number for number, *_ in some] == [4]
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0] == ["row", "what", "why", "the file says", "note"]
    assert lines[3] == ["4", "suppressed", "was blocked there", "blocked", ""]
    assert lines[4][4] == "'=HYPERLINK(1)"
    assert client.get(f"/admin/imports/{file.pk}/rows/?after=x&outcome=x").status_code == 200


def test_the_report_is_in_the_operator_s_language(client: Client) -> None:
    """A worker stores what the rows say, in English."""
    file = imported(client, ["email,hour", "ada@dest.example,99", "nobody,7"])

    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    page = client.get(f"/admin/imports/{file.pk}/rows/").content.decode()

    assert "übergangen: Stunde" in page
    assert "Eine E-Mail-Adresse braucht ein @, wie in you@example.org." in page
    assert "<td>aktiv</td>" in page


def test_the_export_is_a_stream_without_formulas_that_stands_in_the_log() -> None:
    make_reader(email="+1@dest.example")
    answer = operator(EXPORT).post("/admin/imports/export/")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]

    assert next(csv.DictReader(io.StringIO(text)))["email"] == "'+1@dest.example"
    assert [entry.act for entry in AuditEntry.objects.all()] == ["reader.export_all"]
    assert operator(VIEW, IMPORT).post("/admin/imports/export/").status_code == 403
    assert operator(EXPORT).get("/admin/imports/export/").status_code == 405
