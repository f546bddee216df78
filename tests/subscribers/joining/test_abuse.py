"""Rate limits: what keeps the form from being used against others (scenarios 55 and 57)."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from subscribers import addresses, letters
from subscribers.forms import opened_now
from subscribers.joining import abuse, signup
from subscribers.joining.abuse import CapDecision
from subscribers.letters import LetterCounts
from subscribers.models import Letter, Subscriber
from tests.smtp_sink import Sink

DAY = timedelta(days=1)
NOWHERE = "redis://127.0.0.1:1/0"


def forms(number: int) -> list[str]:
    """The signed times of this many forms, opened ten seconds ago."""
    with time_machine.travel(timezone.now() - timedelta(seconds=10)):
        return [opened_now() for _ in range(number)]


def sign_up(now: datetime, *emails: str) -> None:
    for email in emails:
        signup.start_signup(addresses.parse(email), [], "UTC", now)


# --- one mailbox ---------------------------------------------------------------------------
def test_a_mailbox_gets_one_letter_a_day_and_three_a_month_however_it_is_spelled() -> None:
    verdicts = []

    with time_machine.travel("2026-11-23T12:00:00+00:00", tick=False) as clock:
        for number in range(32):
            verdicts.append(abuse.decide(f"a.da+{number}@gmail.com", "confirm"))
            verdicts.append(abuse.decide("ada@googlemail.com", "confirm"))
            clock.shift(DAY + timedelta(seconds=1))

    went = [place for place, verdict in enumerate(verdicts) if verdict == CapDecision.SEND]
    assert went == [0, 2, 4, 60, 62]
    assert verdicts.count(CapDecision.NEVER) == len(verdicts) - len(went)


def test_letters_of_different_kinds_are_counted_apart() -> None:
    verdicts = [abuse.decide("ada@dest.example", kind) for kind in ("confirm", "known", "confirm")]

    assert verdicts == [CapDecision.SEND, CapDecision.SEND, CapDecision.NEVER]


@pytest.mark.django_db(transaction=True)
def test_a_thousand_spellings_of_one_mailbox_cause_one_letter(now: datetime, sink: Sink) -> None:
    sign_up(now, *(f"victim+{number}@dest.example" for number in range(20)))

    counts = letters.send_waiting(now, 100)

    assert counts == LetterCounts(sent=1, given_up=19)
    assert len(sink.messages) == 1


@pytest.mark.django_db(transaction=True)
def test_an_emptied_redis_means_no_second_letter(
    now: datetime, sink: Sink, settings: Settings
) -> None:
    sign_up(now, "ada@dest.example")
    letters.send_waiting(now, 10)
    abuse._window(settings.REDIS_URL).storage.reset()

    sign_up(now + timedelta(hours=1), "ada@dest.example")
    letters.send_waiting(now + timedelta(hours=1), 10)

    assert len(sink.messages) == 1


@pytest.mark.django_db(transaction=True)
def test_a_letter_that_is_tried_again_is_not_counted_again(now: datetime, sink: Sink) -> None:
    sink.on_data = lambda _: "451 4.3.0 not now"
    sign_up(now, "ada@dest.example")
    first = letters.send_waiting(now, 10)
    sink.on_data = lambda _: "250 ok"

    second = letters.send_waiting(now + letters.FIRST_WAIT, 10)

    assert (first, second) == (LetterCounts(postponed=1), LetterCounts(sent=1))


# --- one domain, and all together ----------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_domain_gets_so_many_letters_an_hour_and_the_rest_later(
    now: datetime, sink: Sink, settings: Settings
) -> None:
    settings.SIGNUPS_PER_DOMAIN = 2
    sign_up(now, *(f"reader{number}@victim.example" for number in range(5)), "a@dest.example")

    with time_machine.travel(now, tick=False) as clock:
        first = letters.send_waiting(now, 10)
        clock.shift(letters.LONGEST_WAIT + timedelta(seconds=1))
        second = letters.send_waiting(timezone.now(), 10)

    assert first == LetterCounts(sent=3, postponed=3)
    assert second == LetterCounts(sent=2, postponed=1)
    assert Letter.objects.filter(given_up_at=None).count() == 6


def test_a_large_mailbox_provider_is_not_one_victim(settings: Settings) -> None:
    settings.SIGNUPS_PER_DOMAIN = 1
    small = [abuse.decide(f"r{number}@victim.example", "confirm") for number in range(2)]
    large = [abuse.decide(f"r{number}@gmail.com", "confirm") for number in range(2)]

    assert small == [CapDecision.SEND, CapDecision.LATER]
    assert large == [CapDecision.SEND, CapDecision.SEND]


@pytest.mark.django_db(transaction=True)
def test_the_breaker_holds_back_what_a_flood_causes(
    now: datetime, sink: Sink, settings: Settings
) -> None:
    settings.CONFIRMATIONS_PER_HOUR = 3
    sign_up(now, *(f"reader@victim{number}.example" for number in range(10)))

    counts = letters.send_waiting(now, 100)

    assert counts == LetterCounts(sent=3, postponed=7)
    assert all(b"Form-Sub: v=1\r\n" in message.content for message in sink.messages)


# --- one network ---------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_network_that_signs_up_too_often_is_told_so_whatever_the_address(
    client: Client, settings: Settings
) -> None:
    settings.SIGNUPS_PER_NETWORK = 2
    answers = []

    for number, opened in enumerate(forms(4)):
        entered = {"email": f"reader{number % 3}@dest.example", "opened": opened}
        answers.append(client.post("/", entered, REMOTE_ADDR=f"192.0.2.{number}"))
    other = client.post(
        "/", {"email": "other@dest.example", "opened": forms(1)[0]}, REMOTE_ADDR="198.51.100.1"
    )

    assert [answer.status_code for answer in answers] == [302, 302, 429, 429]
    assert answers[2].content == answers[3].content
    assert (answers[3]["Retry-After"], other.status_code) == ("3600", 302)
    assert Subscriber.objects.count() == 3


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
        ("unknown", "unknown"),
        ("_hidden", "unknown"),
        ("999.1.1.1", "unknown"),
        ("192.0.2.77:4711", "192.0.2.0/24"),
        ("[192.0.2.77]:4711", "192.0.2.0/24"),
        ("[2001:db8:1:2::5]:4711", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::5]", "2001:db8:1:2::/64"),
        ('"[2001:db8:1:2::5]:4711"', "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("[::ffff:192.0.2.77]:80", "192.0.2.0/24"),
        ("64:ff9b::c000:24d", "192.0.2.0/24"),
        ("2002:c000:24d::1", "192.0.2.0/24"),
        ("[::1]:80", ""),
        ("127.0.0.1:80", ""),
    ],
)
def test_neighbours_are_one_network(client: str, network: str) -> None:
    assert abuse.network_of(client) == network


@pytest.mark.parametrize(
    ("proxies", "forwarded_for", "client"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "10.6.6.6, 203.0.113.9, 198.51.100.2", "203.0.113.9"),
        (3, "203.0.113.9", "192.0.2.1"),
    ],
)
def test_only_our_own_proxies_are_believed(
    settings: Settings, proxies: int, forwarded_for: str, client: str
) -> None:
    settings.TRUSTED_PROXIES = proxies

    assert abuse.client_of("192.0.2.1", forwarded_for) == client


@pytest.mark.django_db
@pytest.mark.parametrize("hop", ["203.0.113.9:{port}", "[2001:db8::9]:{port}", "junk-{port}"])
def test_the_form_in_which_a_proxy_writes_an_address_does_not_switch_the_cap_off(
    client: Client, settings: Settings, hop: str
) -> None:
    settings.SIGNUPS_PER_NETWORK, settings.TRUSTED_PROXIES = 1, 1

    answers = [
        client.post(
            "/",
            {"email": f"reader{port}@dest.example", "opened": opened},
            headers={"X-Forwarded-For": hop.format(port=port)},
        )
        for port, opened in enumerate(forms(2), start=4711)
    ]

    assert [answer.status_code for answer in answers] == [302, 429]


def test_an_ipv6_site_may_not_use_up_what_all_have_together(settings: Settings) -> None:
    settings.SIGNUPS_PER_NETWORK = 2

    busy = [abuse.is_network_busy(f"2001:db8:1:{number:x}::1") for number in range(12)]
    others = [abuse.is_network_busy("2001:db8:2::1"), abuse.is_network_busy("192.0.2.1")]

    assert (busy, others) == ([False] * 8 + [True] * 4, [False, False])


@pytest.mark.django_db
@pytest.mark.parametrize("entered", [{"email": "no address"}, {"topics": ["x"] * 500}, {}])
def test_a_network_is_counted_before_anything_is_validated(
    client: Client, settings: Settings, entered: dict[str, object]
) -> None:
    settings.SIGNUPS_PER_NETWORK = 1

    pages = [client.post("/", entered, REMOTE_ADDR="192.0.2.1").status_code for _ in range(2)]
    answers = [
        client.post("/api/signup", entered, "application/json", REMOTE_ADDR="198.51.100.1")
        for _ in range(2)
    ]

    assert pages == [200 if "topics" not in entered else pages[0], 429]
    assert [answer.status_code for answer in answers] == [400, 429]


# --- one form ------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_form_used_for_one_address_after_another_comes_from_a_program(
    client: Client,
) -> None:
    (opened,) = forms(1)

    answers = [
        client.post("/", {"email": f"reader{number}@dest.example", "opened": opened})
        for number in range(8)
    ]

    assert {answer["Location"] for answer in answers} == {"/signup/check-your-inbox/"}
    assert Subscriber.objects.count() == 5


# --- without Redis -------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_without_redis_sign_ups_are_taken_and_their_letters_wait(
    client: Client, sink: Sink, settings: Settings
) -> None:
    redis, settings.REDIS_URL = settings.REDIS_URL, NOWHERE
    now = timezone.now()

    page = client.post("/", {"email": "ada@dest.example", "opened": forms(1)[0]})
    waiting = letters.send_waiting(timezone.now(), 10)
    settings.REDIS_URL = redis
    sent = letters.send_waiting(now + 2 * letters.FIRST_WAIT, 10)

    assert page["Location"] == "/signup/check-your-inbox/"
    assert (waiting, sent) == (LetterCounts(postponed=1), LetterCounts(sent=1))
    assert Letter.objects.get().attempts == 1
