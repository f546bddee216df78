"""Who stopped the mail is noted outside the database, and applied again after a restore."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from subscribers import sign_offs
from subscribers.leaving.again import apply_again
from subscribers.leaving.unsubscribe import resume, unsubscribe
from subscribers.models import Consent, Subscriber, Suppression
from subscribers.sign_offs import BACK, ERASED, LEFT, LIFTED, MOVED, PAUSED, SUPPRESSED
from tests.factories import make_reader

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE_CLICK = Consent.Act.ONE_CLICK


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.STATE_FOLDER = tmp_path
    return tmp_path / "sign-offs"


@pytest.fixture
def note(django_capture_on_commit_callbacks: Any) -> Any:
    """Note it as a process does whose transaction was committed, which the database has lost."""

    def noted(reader: Subscriber, what: str, detail: str = "", *, after: timedelta) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            sign_offs.note(reader.address_hash, what, NOW + after, detail)

    return noted


def state_of(reader: Subscriber) -> str:
    return str(Subscriber.objects.values_list("state", flat=True).get(pk=reader.pk))


def test_the_last_word_of_each_address_counts(note: Any) -> None:
    left, returned, paused, went_on, lifted = [make_reader() for _ in range(5)]
    note(left, BACK, after=MINUTE)
    note(left, LEFT, ONE_CLICK, after=2 * MINUTE)
    note(returned, LEFT, ONE_CLICK, after=MINUTE)
    note(returned, BACK, after=2 * MINUTE)
    note(paused, PAUSED, "2026-12-24", after=MINUTE)
    note(went_on, PAUSED, "2026-12-24", after=MINUTE)
    note(went_on, sign_offs.GOES_ON, after=2 * MINUTE)
    note(lifted, SUPPRESSED, "bounced", after=MINUTE)
    note(lifted, LIFTED, after=2 * MINUTE)

    assert apply_again(NOW) == Counter({"left": 1, "paused": 1})
    assert apply_again(NOW) == Counter()

    assert [state_of(one) for one in (left, returned)] == ["unsubscribed", "active"]
    assert Consent.objects.get(subscriber=left).at == NOW + 2 * MINUTE
    assert not Suppression.objects.exists()


def test_what_the_database_knows_better_is_left_alone(note: Any) -> None:
    """They left before the backup, and came back in it: noted on another host."""
    reader = make_reader()
    note(reader, LEFT, ONE_CLICK, after=-MINUTE)
    Consent.objects.create(
        subscriber=reader, address_hash=reader.address_hash, act=Consent.Act.RESUMED, at=NOW
    )
    old = make_reader()
    note(old, LEFT, ONE_CLICK, after=-20 * MINUTE)

    assert apply_again(NOW) == Counter()
    assert [state_of(one) for one in (reader, old)] == ["active", "active"]


def test_the_erased_are_erased_and_those_who_moved_are_counted(note: Any) -> None:
    gone, moved = make_reader(), make_reader()
    note(gone, LEFT, ONE_CLICK, after=MINUTE)
    note(gone, ERASED, after=2 * MINUTE)
    note(moved, MOVED, after=MINUTE)

    assert apply_again(NOW) == Counter({"left": 1, "erased": 1, "moved": 1})
    assert list(Subscriber.objects.all()) == [moved]


def test_lines_that_are_cut_off_or_nonsense_are_left_out(folder: Path, note: Any) -> None:
    reader = make_reader()
    note(reader, SUPPRESSED, "complained", after=MINUTE)
    path = folder / "2026-11"
    line = path.read_text()
    unknown = line.replace("suppressed:complained", "paused:for ever").replace("09:01", "09:00")
    path.write_text(f"nonsense\n\n2026-11-27 x y z\n{unknown}{line}{line[:40]}")

    assert apply_again(NOW) == Counter({"suppressed": 1})
    assert state_of(reader) == "unsubscribed"
    assert reader.email not in line


def test_the_acts_of_readers_are_noted_and_old_files_forgotten(
    folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    folder.mkdir()
    (folder / "2025-09").touch()
    (folder / "2025-11").touch()
    reader = make_reader()

    with django_capture_on_commit_callbacks(execute=True):
        unsubscribe(reader, ONE_CLICK, NOW)
        unsubscribe(reader, ONE_CLICK, NOW)
        assert resume(reader, NOW + MINUTE)

    assert [one.what for one in sign_offs.since(NOW)] == [LEFT, BACK]
    assert sorted(path.name for path in folder.iterdir()) == ["2025-11", "2026-11"]
