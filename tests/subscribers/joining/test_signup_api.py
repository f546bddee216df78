"""Signing up with JSON."""

import json
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from subscribers import addresses
from subscribers.leaving.suppression import suppress
from subscribers.models import Letter, Subscriber, Suppression
from tests.factories import make_reader, make_topic
from tests.subscribers.joining.test_captcha import solved

pytestmark = pytest.mark.django_db


def post(client: Client, body: object, **extra: Any) -> HttpResponse:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    response = client.post("/api/signup", text, content_type="application/json", **extra)
    assert isinstance(response, HttpResponse)
    return response


def errors_of(response: HttpResponse) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = json.loads(response.content)["errors"]
    return errors


def test_a_sign_up_by_json_is_one_like_any_other(client: Client) -> None:
    topic = make_topic(slug="search")
    wanted = {"email": "Reader@dest.example", "topics": ["search"]}

    answer = post(client, wanted | {"zone": "Asia/Tokyo", "language": "de"})

    subscriber = Subscriber.objects.get()
    assert (answer.status_code, dict(answer.cookies)) == (202, {})
    assert (subscriber.state, subscriber.email) == ("pending", "Reader@dest.example")
    assert (subscriber.zone, subscriber.language) == ("Asia/Tokyo", "de")
    assert list(subscriber.topics.all()) == [topic]
    assert Letter.objects.get().kind == Letter.Kind.CONFIRM


def test_an_address_alone_is_enough(client: Client) -> None:
    answer = post(client, {"email": "reader@dest.example"})

    subscriber = Subscriber.objects.get()
    assert answer.status_code == 202
    assert (subscriber.zone, subscriber.language) == ("UTC", "en")


def test_every_address_gets_the_same_bytes_for_the_same_work(client: Client) -> None:
    make_reader(email="active@dest.example")
    suppress(addresses.hashed("bad@dest.example"), Suppression.Reason.COMPLAINED, timezone.now())
    queries, answers = set(), set()

    for name in ("new", "new", "active", "bad"):
        with CaptureQueriesContext(connection) as captured:
            answer = post(client, {"email": f"{name}@dest.example"})
        queries.add(tuple(query["sql"].split(" ")[0] for query in captured))
        answers.add((answer.status_code, answer.content, str(sorted(answer.items()))))

    assert (len(queries), len(answers)) == (1, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "no address"}, "email"),
        ({"email": "jörg@dest.example"}, "email"),
        ({"email": ["a@x.example", "b@x.example"]}, "email"),
        ({"email": "a@x.example\r\nBcc: b@x.example"}, "email"),
        ({"email": "\ud800@x.example"}, "email"),
        ({"email": "a@\ud800.example"}, "email"),
        ({"email": "a\u0000@x.example"}, "email"),
        ({"topics": ["no-such-topic"]}, "topics"),
        ({"topics": "search"}, "topics"),
        ({"topics": ["\u0000"]}, "topics"),
        ({"topics": ["\ud800"]}, "topics"),
        ({"topics": [["search"]]}, "topics"),
        ({"topics": 5}, "topics"),
        ({"zone": "Mars/Base"}, "zone"),
        ({"zone": {"a": 1}}, "zone"),
        ({"language": "tlh"}, "language"),
    ],
)
def test_wrong_input_is_an_error_at_its_field(
    client: Client, change: dict[str, object], field: str
) -> None:
    make_topic(slug="search")
    right: dict[str, object] = {"email": "reader@dest.example", "topics": ["search"]}

    answer = post(client, right | change)

    assert (answer.status_code, list(errors_of(answer))) == (400, [field])
    assert Subscriber.objects.count() == 0
    assert post(client, right).status_code == 202


@pytest.mark.parametrize("body", ["", "{", "[]", "5", '"x"', "null", "[" * 100_000, b"\xff\xfe"])
def test_a_body_that_is_not_a_json_object_is_refused(client: Client, body: str | bytes) -> None:
    answer = post(client, body)

    assert (answer.status_code, list(errors_of(answer))) == (400, ["body"])


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_other_sites_can_send_without_a_preflight_is_refused(
    client: Client, kind: str
) -> None:
    body = json.dumps({"email": "reader@dest.example"})

    answer = client.generic("POST", "/api/signup", body, content_type=kind)
    asked = client.options("/api/signup", headers={"Origin": "https://evil.example"})

    assert (answer.status_code, Subscriber.objects.count()) == (400, 0)
    assert asked.status_code == 405
    assert not [name for name in asked.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_only_a_post_signs_up(client: Client, method: str) -> None:
    assert getattr(client, method)("/api/signup").status_code == 405


def test_a_network_that_signs_up_too_often_is_told_so(client: Client, settings: Settings) -> None:
    settings.SIGNUPS_PER_NETWORK = 1
    emails = ["a@dest.example", "b@dest.example", "a@dest.example"]

    answers = [post(client, {"email": email}, REMOTE_ADDR="192.0.2.1") for email in emails]

    assert [answer.status_code for answer in answers] == [202, 429, 429]
    assert answers[1].content == answers[2].content
    assert answers[1]["Retry-After"] == "3600"


def test_the_puzzle_is_asked_for_here_as_well(client: Client, settings: Settings) -> None:
    assert client.get("/api/signup/challenge").json() == {"altcha": None}
    settings.SIGNUP_CAPTCHA = True
    wanted = {"email": "reader@dest.example"}
    refused = post(client, wanted)
    challenge = client.get("/api/signup/challenge").json()["altcha"]

    taken, replayed = (post(client, wanted | {"altcha": solved(challenge)}) for _ in range(2))

    assert [answer.status_code for answer in (refused, taken, replayed)] == [400, 202, 400]
    assert list(errors_of(replayed)) == ["body"]
    assert Subscriber.objects.count() == 1
