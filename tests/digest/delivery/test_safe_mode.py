"""Safe mode: what enters it, who helps, and what ends it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from digest.delivery import mail_services, restored
from digest.delivery.limits import memory
from digest.delivery.run import deliver
from digest.models import AuditEntry, Digest, Hold, LastSending, Restoration
from subscribers.database import execute, fetch
from tests.factories import make_reader
from tests.smtp_sink import Sink

from .test_memory import HOUR, restore, send_more, send_to
from .test_memory import folder as folder

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


def test_safe_mode_ends_in_the_admin_once_somebody_says_what_was_sent(
    sink: Sink, admin_client: Client
) -> None:
    send_to(1)
    restore()
    deliver(seconds=60)
    hold = Hold.objects.get()
    page = reverse("admin:after_restore")

    # A hold like others is released at once. This one leads to the page that ends it.
    released = admin_client.post(reverse("admin:release_hold", args=[hold.pk]), secure=True)
    assert released["Location"] == page
    assert f'href="{page}"' in admin_client.get("/admin/", secure=True).content.decode()
    admin_client.post(
        reverse("admin:digest_hold_changelist"),
        {"action": "release", "_selected_action": [hold.pk]},
        secure=True,
    )
    assert Hold.objects.active().count() == 1
    shown = admin_client.get(page, secure=True).context["proposal"]
    too_early = {"sent_until": f"{shown - HOUR:%Y-%m-%dT%H:%M:%S}"}
    refused = admin_client.post(page, too_early, secure=True, follow=True)
    assert "The marks of our hosts say" in refused.content.decode()

    said = {"sent_until": f"{shown:%Y-%m-%dT%H:%M:%S}"}
    admin_client.post(page, said, secure=True)
    make_reader()
    deliver(seconds=60)
    deliver(seconds=60)

    assert Hold.objects.active().count() == 0
    assert Hold.objects.count() == 1
    # Who had it gets nothing, and who is new gets theirs.
    assert len(sink.messages) == 2
    assert AuditEntry.objects.get(act="restore.settle", result="done").by_name == "admin"


def test_a_host_without_a_mark_joins_a_database_that_is_awake(
    sink: Sink, folder: Path, settings: Settings
) -> None:
    send_to(1)
    settings.STATE_FOLDER = folder.parent / "elsewhere"
    send_more()

    assert (len(sink.messages), Hold.objects.count()) == (2, 0)
    assert (settings.STATE_FOLDER / memory.FILE).exists()


def test_a_host_without_a_mark_asks_about_a_database_that_has_slept(
    sink: Sink, folder: Path, settings: Settings
) -> None:
    """A snapshot of the server's disk, say, of which nothing else can tell."""
    send_to(1)
    LastSending.objects.update(at=LastSending.objects.get().at - 2 * HOUR)
    settings.STATE_FOLDER = folder.parent / "elsewhere"
    send_more()

    assert len(sink.messages) == 1
    assert Hold.objects.get().reason.startswith("Safe mode")


def test_a_database_that_has_sent_nothing_may_have_slept(sink: Sink) -> None:
    """As after a first start that was stopped within a minute, to go on the next day."""
    memory.hold_if_forgetful()
    LastSending.objects.update(at=LastSending.objects.get().at - 2 * HOUR)
    send_to(1)

    assert (len(sink.messages), Hold.objects.count()) == (1, 0)


def test_a_table_that_was_restored_is_another_one(sink: Sink, settings: Settings) -> None:
    """Whatever made it anew. Here, nothing else tells that the database is not the same."""
    send_to(1)
    settings.STATE_FOLDER = None
    LastSending.objects.update(place="")  # as the version before leaves it, or a worker of it
    memory.hold_if_forgetful()
    for statement in (
        "CREATE TABLE restored (LIKE digest_lastsending INCLUDING ALL)",
        "INSERT INTO restored SELECT * FROM digest_lastsending",
        "DROP TABLE digest_lastsending",
        "ALTER TABLE restored RENAME TO digest_lastsending",
    ):
        execute(statement)
    send_more()

    assert len(sink.messages) == 1
    assert Hold.objects.get().reason.startswith("Safe mode")


def test_each_host_tells_its_mark_in_safe_mode(
    sink: Sink, folder: Path, settings: Settings
) -> None:
    send_to(1)
    ((now,),) = fetch("SELECT now()")
    restore()
    for name, minutes in (("first", 20), ("second", 10), ("third", 40)):
        settings.STATE_FOLDER = folder.parent / name
        settings.STATE_FOLDER.mkdir()
        mark = now - timedelta(minutes=minutes)
        (settings.STATE_FOLDER / memory.FILE).write_text(mark.isoformat())
        deliver(seconds=60)

    assert Restoration.objects.get().sent_until == now - timedelta(minutes=10)


def test_a_service_that_can_be_asked_is_asked_about_what_the_backup_knew(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_to(1)
    restore()
    deliver(seconds=60)
    made_later = make_reader()
    can_be_asked = replace(mail_services.traits_of("smtp"), look_up=lambda *_: iter(()))
    monkeypatch.setitem(mail_services._KNOWN, "smtp", can_be_asked)

    restored.say(restored.proposal(Restoration.objects.get()))
    restored.go_on(seconds=60)

    states = dict(Digest.objects.values_list("subscriber__email", "state"))
    assert states.pop(made_later.email) == State.ASSUMED
    assert list(states.values()) == [State.UNCERTAIN]
