"""The proof of work: solved, replayed, and solved by the page's own script."""

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from subscribers.joining import captcha
from subscribers.models import Subscriber


def solved(challenge: dict[str, Any]) -> str:
    """What a browser sends for this challenge."""
    salt = challenge["salt"]
    number = next(
        number
        for number in range(challenge["maxnumber"] + 1)
        if hashlib.sha256(f"{salt}{number}".encode()).hexdigest() == challenge["challenge"]
    )
    kept = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return encoded({**kept, "number": number})


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


@pytest.fixture
def _captcha_on(settings: Settings) -> None:
    settings.SIGNUP_CAPTCHA = True


def test_a_solution_is_good_once() -> None:
    solution = solved(captcha.new_challenge(timezone.now()))

    assert [captcha.is_solved(solution) for _ in range(3)] == [True, False, False]


def test_a_solution_is_good_for_an_hour() -> None:
    first, second = (solved(captcha.new_challenge(timezone.now())) for _ in range(2))

    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        assert captcha.is_solved(first)
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert not captcha.is_solved(second)


def test_an_own_challenge_is_none_of_ours(settings: Settings) -> None:
    settings.SECRET_KEY = "somebody-else-0123456789-0123456789-012"
    foreign = solved(captcha.new_challenge(timezone.now()))
    assert captcha.is_solved(solved(captcha.new_challenge(timezone.now())))

    settings.SECRET_KEY = "our-own-key-again-0123456789-0123456789"

    assert not captcha.is_solved(foreign)


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"number": "1"},
        {"number": True},
        {"salt": 5},
        {"algorithm": "SHA-1"},
        {"signature": None},
        {"challenge": "00"},
    ],
)
def test_a_solution_that_was_tampered_with_is_none(change: dict[str, object]) -> None:
    right = json.loads(base64.b64decode(solved(captcha.new_challenge(timezone.now()))))

    assert not captcha.is_solved(encoded({**right, **change}))
    assert captcha.is_solved(encoded(right))


@pytest.mark.parametrize(
    "text", ["", "%%%", "ä", encoded(5), encoded([]), encoded({}), "[" * 9000, encoded("x")]
)
def test_nonsense_is_no_solution(text: str) -> None:
    assert not captcha.is_solved(text)


# --- on the form ---------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.usefixtures("_captcha_on")
@pytest.mark.parametrize("path", ["/", "/signup/", "/signup/frame/"])
def test_a_form_needs_a_solution_on_every_path(client: Client, opened: str, path: str) -> None:
    entered = {"email": "reader@dest.example", "opened": opened}
    refused = [client.post(path, entered | {"altcha": text}) for text in ("", "e30=")]
    assert [page.status_code for page in refused] == [200, 200]
    assert Subscriber.objects.count() == 0

    solution = solved(captcha.new_challenge(timezone.now()))
    page = client.post(path, entered | {"altcha": solution})

    assert (page.status_code, Subscriber.objects.count()) == (302, 1)


@pytest.mark.django_db
@pytest.mark.usefixtures("_captcha_on")
def test_a_slip_in_the_form_does_not_use_the_solution_up(client: Client, opened: str) -> None:
    solution = solved(captcha.new_challenge(timezone.now()))
    entered = {"opened": opened, "altcha": solution}

    client.post("/", entered | {"email": "no address"})
    page = client.post("/", entered | {"email": "reader@dest.example"})

    assert page.status_code == 302


@pytest.mark.django_db
def test_a_page_holds_a_challenge_only_where_one_is_wanted(
    client: Client, settings: Settings
) -> None:
    without = client.get("/").content.decode()
    settings.SIGNUP_CAPTCHA = True
    with_it = client.get("/").content.decode()

    assert (without.count("data-challenge"), with_it.count("data-challenge")) == (0, 1)
    assert "captcha.js" not in without
    assert "<noscript>" in with_it


@pytest.mark.django_db
@pytest.mark.usefixtures("_captcha_on")
def test_without_redis_a_solution_counts_and_the_letter_waits(
    client: Client, opened: str, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    solution = solved(captcha.new_challenge(timezone.now()))

    page = client.post("/", {"email": "reader@dest.example", "opened": opened, "altcha": solution})

    assert (page.status_code, Subscriber.objects.count()) == (302, 1)
