"""Who becomes a reader, who never does, and taking it back."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from digest.models import Click, Vote
from digest.readers.mutes import mute_topic
from subscribers import addresses
from subscribers.database import Lock, only_one
from subscribers.importing import exporting, run, undoing
from subscribers.importing.entries import Defaults
from subscribers.joining import signup
from subscribers.leaving import erasing, suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Import, Subscriber, Subscription, Suppression, Term
from subscribers.wishes import preferences
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

from .conftest import BASIS, NOON, Importing, states

ADA = "ada@dest.example"
LATER = NOON + timedelta(hours=1)


def reader_of(email: str) -> Subscriber:
    return Subscriber.objects.get(email=email)


# --- who becomes a reader ------------------------------------------------------------------
def test_consent_names_the_import_and_its_basis(importing: Importing) -> None:
    done = importing(f"email,created_at\n{ADA},2024-05-05T10:00:00Z\n", by="olga")
    imported = done.outcome.imported
    assert imported is not None
    consent = Consent.objects.get(subscriber__email=ADA)
    assert (consent.act, consent.imported_with) == ("imported", imported)
    assert (imported.basis, imported.by, imported.system) == (BASIS, "olga", "plain")
    assert imported.finished_at is not None
    assert imported.counts == {"added": 1}
    assert reader_of(ADA).confirmed_at == datetime(2024, 5, 5, 10, tzinfo=UTC)


def test_without_a_basis_nobody_is_subscribed(importing: Importing) -> None:
    content = f"email,status\n{ADA},active\nbo@dest.example,unsubscribed\ncy@dest.example,bounced\n"
    assert importing(content, basis="  ").counts == {"no_basis": 1, "left": 1, "bounced": 1}
    assert states() == {"bo@dest.example": "unsubscribed"}


def test_next_due_is_the_readers_own_next_hour(importing: Importing) -> None:
    importing(
        "email,zone,hour,frequency,weekday,paused_until\n"
        "a@dest.example,,,,,\n"  # 7:00 in Lisbon has passed today
        "b@dest.example,America/New_York,8,,,\n"  # 13:00 in UTC
        "c@dest.example,Asia/Tokyo,7,weekly,4,\n"
        "d@dest.example,,,,,2026-12-24\n"
    )
    due = dict(Subscriber.objects.values_list("email", "next_due_at"))
    on = dict(Subscriber.objects.values_list("email", "next_due_on"))
    assert due == {
        "a@dest.example": datetime(2026, 11, 24, 7, tzinfo=UTC),
        "b@dest.example": datetime(2026, 11, 23, 13, tzinfo=UTC),
        "c@dest.example": datetime(2026, 11, 26, 22, tzinfo=UTC),
        "d@dest.example": datetime(2026, 12, 24, 7, tzinfo=UTC),
    }
    assert str(on["c@dest.example"]) == "2026-11-27"


def test_topics_for_all_and_of_the_file(importing: Importing) -> None:
    everybody, own = make_topic(slug="bees"), make_topic(slug="birds")
    defaults = Defaults(topics=[everybody])
    importing(f"email,topics\n{ADA},birds:more; bees:less\nbo@dest.example,\n", defaults=defaults)
    followed = Subscription.objects.values_list("subscriber__email", "topic", "emphasis")
    assert set(followed) == {(ADA, everybody.pk, -1), (ADA, own.pk, 1)} | {
        ("bo@dest.example", everybody.pk, 0)
    }


# --- who never does ------------------------------------------------------------------------
def test_nobody_is_revived_whatever_the_file_says(importing: Importing) -> None:
    names = ("suppressed", "complained", "erased", "left", "erased-after-complaint", "moved")
    emails = {name: f"{name}@dest.example" for name in names}
    for name in ("erased", "erased-after-complaint", "left", "moved"):
        reader = make_reader(email=emails[name])
        Consent.objects.create(
            subscriber=reader, address_hash=reader.address_hash, act="confirmed", at=NOON
        )
    complained = addresses.hashed(emails["erased-after-complaint"])
    suppression.suppress(complained, Suppression.Reason.COMPLAINED, NOON)
    for name in ("erased", "erased-after-complaint"):
        erasing.erase(reader_of(emails[name]), NOON)
    unsubscribe(reader_of(emails["left"]), Consent.Act.ONE_CLICK, NOON)
    Subscriber.objects.filter(email=emails["moved"]).update(
        email="new@dest.example", address_hash=addresses.hashed("new@dest.example")
    )
    for name in ("suppressed", "complained"):
        suppression.suppress(addresses.hashed(emails[name]), Suppression.Reason.COMPLAINED, NOON)
    before = states()
    rows = "".join(f"{email.upper()},active\n" for email in emails.values())
    done = importing(f"email,status\n{rows}")
    assert done.counts == {"suppressed": 2, "erased": 2, "reader_unsubscribed": 1, "gone": 1}
    assert states() == before
    assert not Consent.objects.filter(act=Consent.Act.IMPORTED).exists()


def test_who_left_elsewhere_is_not_revived_by_another_file(importing: Importing) -> None:
    importing(f"email,status\n{ADA},unsubscribed\nbo@dest.example,bounced\n")
    done = importing(f"email,status\n{ADA},active\nbo@dest.example,active\n")
    assert done.counts == {"reader_unsubscribed": 1, "suppressed": 1}
    assert states() == {ADA: "unsubscribed"}


@pytest.mark.parametrize("said", ["active", "unsubscribed", "complained", "blocklisted"])
@pytest.mark.parametrize("state", ["active", "pending", "unsubscribed"])
def test_no_reader_is_changed(importing: Importing, said: str, state: str) -> None:
    make_reader(email=ADA, state=state, hour=5)
    before = Subscriber.objects.values().get()
    done = importing(f"email,status,hour,topics\n{ADA},{said},9,x\n")
    assert done.counts == {f"reader_{state}": 1}
    assert Subscriber.objects.values().get() == before
    assert not Suppression.objects.exists()
    assert not Consent.objects.exists()


def test_the_same_file_twice_changes_nothing(importing: Importing) -> None:
    content = f"email,status\n{ADA},active\nbo@dest.example,bounced\n"
    importing(content)
    assert importing(content).counts == {"reader_active": 1, "suppressed": 1}
    assert Consent.objects.count() == 1


def test_a_second_import_at_the_same_time_is_refused(importing: Importing) -> None:
    with only_one(Lock.IMPORTING_READERS), pytest.raises(run.NotNow):
        importing(f"email\n{ADA}\n")


# --- dry run -------------------------------------------------------------------------------
def test_a_dry_run_says_what_the_real_one_does_and_stores_nothing(importing: Importing) -> None:
    make_reader(email="known@dest.example")
    content = (
        f"email,status,zone\n{ADA},active,Nowhere\nADA@dest.example,bounced,\nnobody,active,\n"
        "known@dest.example,active,\nbo@dest.example,spam,\ncy@dest.example,unsubscribed,\n"
    )
    dry = importing(content, is_dry=True)
    assert dry.outcome.imported is None
    assert states() == {"known@dest.example": "active"}
    for model in (Import, Consent, Suppression):
        assert not model.objects.exists()
    real = importing(content)
    assert (dry.report, dry.counts) == (real.report, real.counts)
    assert "dest.example" not in real.report
    assert len(states()) == 2
    assert Suppression.objects.count() == 2


# --- undo ----------------------------------------------------------------------------------
def test_undo_removes_who_came_and_did_nothing_since(importing: Importing) -> None:
    topic = make_topic()
    make_reader(email="before@dest.example")
    names = ("voted", "clicked", "changed", "muted", "left", "idle", "gone")
    rows = "".join(f"{name}@dest.example,active\n" for name in names)
    rows += "before@dest.example,active\nleft-there@dest.example,unsubscribed\n"
    rows += "bounced@dest.example,bounced\nagain@dest.example,bounced\n"
    done = importing(f"email,status\n{rows}", defaults=Defaults(topics=[topic]))
    reader = {name: reader_of(f"{name}@dest.example") for name in names}
    paper = make_paper()
    edition = make_edition([paper])
    Vote.objects.create(subscriber=reader["voted"], paper=paper, value=1)
    for name, is_machine in (("clicked", False), ("idle", True)):
        digest = make_digest(edition, reader[name])
        Click.objects.create(digest=digest, paper=paper, is_machine=is_machine)
    preferences.change(reader["changed"], LATER, hour=9)
    mute_topic(reader["muted"], topic)
    unsubscribe(reader["left"], Consent.Act.UNSUBSCRIBED, LATER)
    erasing.erase(reader["gone"], LATER)
    suppression.suppress(addresses.hashed("again@dest.example"), Suppression.Reason.BOUNCED, LATER)
    assert done.outcome.imported is not None
    pk = done.outcome.imported.pk
    assert undoing.undo(pk, LATER, print) == undoing.Undone(removed=2, stayed=5, lifted=1)
    assert {email.partition("@")[0] for email in states()} == {
        *("before", "voted", "clicked", "changed", "muted", "left")
    }
    assert list(Suppression.objects.values_list("address_hash", flat=True)) == [
        addresses.hashed("again@dest.example")
    ]
    assert Consent.objects.filter(act="imported").count() == len(names)
    with pytest.raises(undoing.CannotUndo):
        undoing.undo(pk, LATER, print)


def test_after_undo_the_same_people_can_come_again_but_not_the_erased(
    importing: Importing,
) -> None:
    content = f"email\n{ADA}\nbo@dest.example\n"
    done = importing(content)
    erasing.erase(reader_of("bo@dest.example"), LATER)
    assert done.outcome.imported is not None
    undoing.undo(done.outcome.imported.pk, LATER, print)
    assert importing(content).counts == {"added": 1, "erased": 1}


def test_who_left_elsewhere_can_sign_up_here(importing: Importing) -> None:
    topic = make_topic()
    importing(f"email,status\n{ADA},unsubscribed\n")
    signup.start_signup(addresses.parse(ADA), [topic], "UTC", LATER)
    assert reader_of(ADA).letters.get().kind == "confirm"


# --- export --------------------------------------------------------------------------------
def exported() -> str:
    file = io.StringIO()
    exporting.export(file)
    return file.getvalue()


def test_export_and_import_again(importing: Importing) -> None:
    """It changes nothing here, and makes the same readers on an empty site."""
    topics = [make_topic(slug="bees"), make_topic(slug="birds")]
    importing(
        "email,status,zone,hour,frequency,weekday,length,language,is_exploring,paused_until,"
        "topics,keywords,muted_authors,confirmed_at\n"
        "'=ada@dest.example,active,Europe/Berlin,6,weekly,3,5,de,false,2027-01-01,"
        'bees:more; birds:muted,"[""graph; networks"", ""hives""]",Ada Lovelace,2024-01-01\n'
        "'+bo@dest.example,active,,,,,,,,,,,,\n-cy@dest.example,unsubscribed,,,,,,,,,,,,\n"
    )
    make_reader(topics[0], email="own@dest.example")
    suppression.suppress(addresses.hashed("own@dest.example"), Suppression.Reason.BOUNCED, NOON)
    first = exported()
    lines = list(csv.DictReader(io.StringIO(first)))
    assert [line["email"][:2] for line in lines] == ["'=", "'+", "'-", "ow"]
    assert lines[0]["basis"] == BASIS
    assert lines[0]["topics"] == "bees:more; birds:muted"
    kept = [list(model.objects.values()) for model in (Subscriber, Subscription, Term, Consent)]
    done = importing(first)
    assert set(done.counts) == {"reader_active", "reader_unsubscribed"}
    assert kept == [list(m.objects.values()) for m in (Subscriber, Subscription, Term, Consent)]

    Consent.objects.all().delete()
    Subscriber.objects.all().delete()
    Suppression.objects.all().delete()
    assert importing(first).counts == {"added": 2, "left": 1, "bounced": 1}
    again = list(csv.DictReader(io.StringIO(exported())))
    ignored = {"created_at", "unsubscribed_at", "consent_at"}
    for old, new in zip(lines[:3], again, strict=True):
        assert {key: old[key] for key in old.keys() - ignored} == {
            key: new[key] for key in new.keys() - ignored
        }


# --- the commands --------------------------------------------------------------------------
@pytest.mark.django_db
def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_topic(slug="bees")
    file, report, out = (tmp_path / name for name in ("in.csv", "report.csv", "out.csv"))
    file.write_text(f"Contact\n{ADA}\nnobody\n")
    said = ("import_readers", str(file), "--map=Contact=email", "--topics=bees")
    with pytest.raises(CommandError, match="no topic"):
        call_command(*said[:-1], "--topics=none")
    with pytest.raises(CommandError, match="No column"):
        call_command("import_readers", str(file))
    call_command(*said, "--basis", BASIS, "--dry-run", "--report", str(report))
    assert "dry run" in capsys.readouterr().out
    assert report.read_text().splitlines()[1:] == [
        "2,add,has consented,active,",
        '3,nothing,this is no address,,"An email address needs an @, as in you@example.org."',
    ]
    call_command(*said, "--basis", BASIS)
    imported = Import.objects.get()
    assert f"undo_import {imported.pk}" in capsys.readouterr().out
    call_command("export_readers", str(out))
    assert out.read_bytes().startswith(b"\xef\xbb\xbfemail,state")
    assert ADA in out.read_text()
    call_command("undo_import", imported.pk)
    assert "1 readers removed" in capsys.readouterr().out
    call_command("export_readers")
    assert capsys.readouterr().out.startswith("email,state")
    with pytest.raises(CommandError):
        call_command("undo_import", imported.pk)
