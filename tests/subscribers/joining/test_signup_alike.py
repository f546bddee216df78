"""All ways to sign up, side by side: none reveals whose address it is or lets more through."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse, HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from subscribers import letters
from subscribers.forms import opened_now
from subscribers.leaving import erasing
from subscribers.leaving.suppression import suppress
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Letter, Subscriber, Suppression
from tests.factories import make_reader, make_topic
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db

FORMS = ["/", "/signup/", "/signup/frame/"]
JSON = "/api/signup"
WAYS = [*FORMS, JSON]


def ask(client: Client, way: str, email: str, *, network: str = "127.0.0.1") -> HttpResponse:
    """Sign up for one topic, as people and programs do in that way."""
    said: dict[str, Any] = {"email": email, "topics": ["search"]}
    more: dict[str, Any] = {"REMOTE_ADDR": network}
    if way == JSON:
        more["content_type"] = "application/json"
    else:
        with time_machine.travel(timezone.now() - timedelta(seconds=10)):
            said["opened"] = opened_now()
    answer = client.post(way, json.dumps(said) if way == JSON else said, **more)
    assert isinstance(answer, HttpResponse)
    return answer


def told(answer: HttpResponseBase) -> tuple[int, bytes, str]:
    """Everything that came back, byte by byte."""
    assert isinstance(answer, HttpResponse)
    return answer.status_code, answer.content, str(sorted(answer.items()))


# --- whose address it is -------------------------------------------------------------------
def leave(reader: Subscriber) -> None:
    unsubscribe(reader, Consent.Act.ONE_CLICK, timezone.now())


def wait(reader: Subscriber) -> None:
    Subscriber.objects.filter(pk=reader.pk).update(state=Subscriber.State.PENDING)


def pause(reader: Subscriber) -> None:
    until = timezone.now().date() + timedelta(days=9)
    Subscriber.objects.filter(pk=reader.pk).update(paused_until=until)


def suppressed(reason: Suppression.Reason) -> Callable[[Subscriber], object]:
    return lambda reader: suppress(reader.address_hash, reason, timezone.now())


def complain_and_be_erased(reader: Subscriber) -> None:
    suppress(reader.address_hash, Suppression.Reason.COMPLAINED, timezone.now())
    erasing.erase(reader, timezone.now())


HISTORIES: dict[str, Callable[[Subscriber], object]] = {
    "new": Subscriber.delete,
    "active": Subscriber.refresh_from_db,
    "asked": wait,
    "paused": pause,
    "left": leave,
    "bounced": suppressed(Suppression.Reason.BOUNCED),
    "complained": suppressed(Suppression.Reason.COMPLAINED),
    "refused": suppressed(Suppression.Reason.REFUSED),
    "blocked": suppressed(Suppression.Reason.MANUAL),
    "erased": complain_and_be_erased,
}


def shape(sql: str) -> str:
    """The statement without values and savepoint names."""
    return re.sub(r"'(?:[^']|'')*'|\b\d+\b|\bs\d+_x\d+\b", "?", sql)


@pytest.mark.parametrize("way", WAYS)
def test_every_address_gets_the_same_bytes_for_the_same_statements(
    client: Client, way: str
) -> None:
    make_topic(slug="search")
    for name, happened in HISTORIES.items():
        happened(make_reader(email=f"{name}@dest.example"))
    answers, statements = {}, {}

    for name in HISTORIES:
        for time in ("first", "second"):
            with CaptureQueriesContext(connection) as captured:
                answer = ask(client, way, f"{name}@dest.example")
            answers[name, time] = told(answer)
            statements[name, time] = tuple(shape(query["sql"]) for query in captured)

    assert set(answers.values()) == {answers["new", "first"]}
    assert set(statements.values()) == {statements["new", "first"]}
    assert answers["new", "first"][0] in {202, 302}


@pytest.mark.parametrize("way", WAYS)
def test_an_invalid_address_is_told_from_a_valid_one(client: Client, way: str) -> None:
    """The comparison above can fail: bytes and statements are not always the same."""
    make_topic(slug="search")

    valid, invalid = (ask(client, way, email) for email in ("a@dest.example", "a@dest"))

    assert told(valid) != told(invalid)


# --- programs ------------------------------------------------------------------------------
@pytest.mark.parametrize("way", FORMS)
def test_a_program_gets_the_answer_of_a_person_and_nothing_is_sent(
    client: Client, opened: str, way: str
) -> None:
    entered = {"email": "reader@dest.example", "opened": opened}
    tricks: list[dict[str, str]] = [
        {"website": "https://spam.example"},
        {"opened": ""},
        {"opened": opened_now()},
        {"opened": opened + "x"},
        {"opened": opened.partition(":")[0]},
    ]

    answers = {told(client.post(way, entered | trick)) for trick in tricks}
    assert (Subscriber.objects.count(), Letter.objects.count()) == (0, 0)
    person = told(client.post(way, entered))

    assert answers == {person}
    assert Letter.objects.count() == 1


@pytest.mark.parametrize("way", FORMS)
def test_a_form_that_is_sent_again_and_again_gets_the_answer_of_a_person(
    client: Client, opened: str, way: str
) -> None:
    answers = {
        told(client.post(way, {"email": f"reader{number}@dest.example", "opened": opened}))
        for number in range(8)
    }

    assert (len(answers), Subscriber.objects.count()) == (1, 5)


# --- floods --------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_one_mailbox_gets_one_letter_whatever_way_and_network_is_used_to_flood_it(
    client: Client, sink: Sink
) -> None:
    make_topic(slug="search")
    spellings = ["victim@dest.example", "Victim@Dest.example", "victim+a@dest.example"]

    for number in range(60):
        email, way = spellings[number % 3], WAYS[number % 4]
        answer = ask(client, way, email, network=f"198.51.{number}.1")
        assert answer.status_code in {202, 302}
        letters.send_waiting(timezone.now(), 10)

    assert len(sink.messages) == 1
    assert b"Form-Sub: v=1\r\n" in sink.messages[0].content


@pytest.mark.django_db(transaction=True)
def test_a_flood_of_one_mailbox_over_a_month_is_three_letters(client: Client, sink: Sink) -> None:
    make_topic(slug="search")

    with time_machine.travel("2026-11-01T12:00:00+00:00", tick=False) as clock:
        for number in range(58):
            ask(client, WAYS[number % 4], "victim@dest.example", network=f"198.51.{number}.1")
            letters.send_waiting(timezone.now(), 10)
            clock.shift(timedelta(hours=12, seconds=1))

    assert len(sink.messages) == 3


def test_one_network_has_one_allowance_for_all_ways_together(
    client: Client, settings: Settings
) -> None:
    settings.SIGNUPS_PER_NETWORK = 6
    make_topic(slug="search")

    answers = [
        ask(client, WAYS[number % 4], f"r{number}@victim{number}.example", network="192.0.2.7")
        for number in range(20)
    ]

    busy = [answer.status_code == 429 for answer in answers]
    assert busy == [False] * 6 + [True] * 14
    assert (Subscriber.objects.count(), Letter.objects.count()) == (6, 6)
    assert {answer["Retry-After"] for answer in answers[6:]} == {"3600"}


@pytest.mark.django_db(transaction=True)
def test_a_flood_from_everywhere_trips_the_breaker_and_nobody_is_forgotten(
    client: Client, sink: Sink, settings: Settings, now: datetime
) -> None:
    settings.CONFIRMATIONS_PER_HOUR = 5
    make_topic(slug="search")
    with time_machine.travel(now, tick=False) as clock:
        for number in range(12):
            ask(client, WAYS[number % 4], f"r@victim{number}.example", network=f"198.51.{number}.1")
        sent = []

        for _hour in range(3):
            letters.send_waiting(timezone.now(), 100)
            sent.append(len(sink.messages))
            clock.shift(timedelta(hours=1, seconds=1))

    assert sent == [5, 10, 12]


# --- what somebody typed -------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_was_typed_into_the_form_is_in_the_letter(
    client: Client, sink: Sink, way: str
) -> None:
    typed = "Win at https://evil.example/prize"
    said = {
        "email": "evil.example-prize@dest.example",
        **dict.fromkeys(("name", "first_name", "subject", "message", "reason"), typed),
    }
    if way == JSON:
        client.post(way, json.dumps(said), content_type="application/json")
    else:
        with time_machine.travel(timezone.now() - timedelta(seconds=10)):
            form = said | {"opened": opened_now(), "zone": typed, "next": typed}
        client.post(way, form)

    letters.send_waiting(timezone.now(), 10)

    (mail,) = sink.messages
    addressee = b"To: evil.example-prize@dest.example\r\n"
    assert mail.content.count(addressee) == 1
    assert re.findall(rb"(?i)evil|prize|win at", mail.content.replace(addressee, b"")) == []
