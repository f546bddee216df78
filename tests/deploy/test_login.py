"""Nobody goes on guessing an operator's password, and a copy of the database opens nothing."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as project_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from subscribers.joining import abuse

pytestmark = pytest.mark.django_db
RIGHT = "a right password"


@pytest.fixture(autouse=True)
def _nothing_was_counted() -> None:
    abuse._window(project_settings.REDIS_URL).storage.reset()
    abuse._own_window().storage.reset()


@pytest.fixture(autouse=True)
def _operator() -> None:
    User.objects.create_superuser("ada", password=RIGHT)


def is_in(password: str, network: str = "192.0.2.1", name: str = "ada") -> bool:
    """Whether this password opens the admin to a new visitor from that address."""
    client = Client()
    entered = {"username": name, "password": password}
    client.post("/admin/login/?next=/admin/", entered, REMOTE_ADDR=network)
    return client.get("/admin/").status_code == 200


@pytest.mark.parametrize("is_redis_up", [True, False])
def test_a_guesser_is_locked_out_and_others_are_not(settings: Settings, is_redis_up: bool) -> None:
    if not is_redis_up:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert is_in(RIGHT)

    assert [is_in(f"wrong {number}") for number in range(10)] == [False] * 10

    assert (is_in(RIGHT), is_in(RIGHT, name="ADA"), is_in(RIGHT, "198.51.100.1")) == (
        *(False, False),
        True,
    )


def test_a_lock_ends_after_a_quarter_of_an_hour() -> None:
    for number in range(12):
        is_in(f"wrong {number}")
    assert not is_in(RIGHT)

    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert is_in(RIGHT)


def test_a_network_that_tries_many_names_is_locked_out() -> None:
    for number in range(50):
        is_in("wrong", name=f"operator{number}")

    assert (is_in(RIGHT), is_in(RIGHT, "198.51.100.1")) == (False, True)


def test_nobody_locks_an_operator_out_of_a_browser_they_have_used() -> None:
    known = Client()
    entered = {"username": "ada", "password": RIGHT}
    known.post("/admin/login/", entered, REMOTE_ADDR="192.0.2.1")
    known.post("/admin/logout/")
    for number in range(11):
        is_in(f"wrong {number}")
    assert not is_in(RIGHT)

    known.post("/admin/login/", entered, REMOTE_ADDR="192.0.2.1")

    assert known.get("/admin/").status_code == 200


def test_a_known_browser_is_no_way_to_go_on_guessing() -> None:
    known = Client()
    known.post("/admin/login/", {"username": "ada", "password": RIGHT})
    known.post("/admin/logout/")
    for number in range(10):
        known.post("/admin/login/", {"username": "ada", "password": f"wrong {number}"})

    known.post("/admin/login/", {"username": "ada", "password": RIGHT})

    assert known.get("/admin/").status_code == 302


def test_what_is_stored_of_a_session_opens_nothing() -> None:
    client = Client()
    client.post("/admin/login/", {"username": "ada", "password": RIGHT})
    cookie = client.cookies["sessionid"].value
    stored = Session.objects.get()
    assert client.get("/admin/").status_code == 200

    thief = Client()
    thief.cookies["sessionid"] = stored.session_key

    assert cookie not in (stored.session_key, stored.session_data)
    assert thief.get("/admin/").status_code == 302
    client.post("/admin/logout/")
    assert Session.objects.count() == 0
    thief.cookies["sessionid"] = cookie
    assert thief.get("/admin/").status_code == 302
