"""Time zones on systems that lack the old names, such as Debian 13 and Ubuntu 24.04."""

import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from django import forms
from django.test import Client
from django.utils import timezone

from subscribers import links
from subscribers.forms import SignupFields, SignupForm
from subscribers.models import Subscriber
from subscribers.wishes import schedule, zones
from tests.factories import make_reader

PROGRAM = """
import django; django.setup()
from datetime import datetime, UTC
from subscribers.forms.signup import SignupForm
from subscribers.wishes.schedule import today_in
from subscribers.wishes.zones import names, zone_of
form = SignupForm({"email": "a@b.example", "zone": "Asia/Calcutta"})
form.is_valid()
now = datetime(2026, 11, 27, 20, tzinfo=UTC)
print(form.cleaned_data["zone"], today_in("Asia/Calcutta", now), len(names()) > 500,
    today_in("Asia/Kolkata", now), today_in("Mars/Base", now), zone_of("US/Eastern"))
"""


@pytest.mark.parametrize("has_some", [True, False])
def test_old_names_work_on_a_system_that_lacks_them(tmp_path: Path, has_some: bool) -> None:
    if has_some:
        for name in ("Asia/Kolkata", "Europe/Lisbon"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(str(resources.files("tzdata.zoneinfo") / name), tmp_path / name)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONTZPATH": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    tomorrow = "2026-11-28"
    assert done.stdout.split() == [
        *("Asia/Kolkata", tomorrow, "True", tomorrow, "2026-11-27", "US/Eastern")
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("US/Eastern", "America/New_York"),
        ("US/Pacific-New", "America/Los_Angeles"),
        ("europe/lisbon", "Europe/Lisbon"),
        ("ASIA/CALCUTTA", "Asia/Kolkata"),
        ("utc", "UTC"),
        ("UTC+3", "UTC+3"),
        # Links too, but of countries that use them.
        ("Europe/Copenhagen", "Europe/Copenhagen"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("UTC", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("Mars/Base", "Mars/Base"),
    ],
)
def test_an_old_name_has_a_current_one(name: str, expected: str) -> None:
    assert zones.current_name(name) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("form", [SignupForm, SignupFields])
@pytest.mark.parametrize(
    ("zone", "expected"),
    [("US/Pacific-New", "America/Los_Angeles"), ("asia/rangoon", "Asia/Yangon")],
)
def test_a_sign_up_with_an_odd_name_gets_the_zone(
    form: type[forms.Form], zone: str, expected: str
) -> None:
    filled = form({"email": "ada@dest.example", "zone": zone})

    assert filled.is_valid()
    assert filled.cleaned_data["zone"] == expected


def test_every_name_is_that_of_a_zone() -> None:
    assert all(str(zones.zone_of(name)) == name for name in zones.names())
    assert {zones.current_name(name) for name in zones.names()} <= zones.names()


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "/etc", "a\0b", "ä", "Asia"])
def test_no_zone_is_utc(name: str) -> None:
    assert str(zones.zone_of(name)) == "UTC"


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Calcutta", "Mars/Base", "../etc", ""])
def test_no_zone_keeps_a_reader_from_the_pages(client: Client, zone: str) -> None:
    reader = make_reader(zone=zone)
    now = timezone.now()
    links.ensure([reader], now)

    pages = [
        client.get(links.preferences_url(reader.pk, now), follow=True),
        client.get(links.unsubscribe_url(reader.pk)),
        client.post(links.unsubscribe_url(reader.pk), follow=True),
    ]

    reader.refresh_from_db()
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert reader.state == Subscriber.State.UNSUBSCRIBED
    assert schedule.next_due_of(reader, now).at > now
