"""Bounces of every service that anymail knows, through its own webhook view."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import responses
from anymail import urls
from anymail.signals import EventType
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest.models import Digest, Edition, Event
from subscribers import letters
from subscribers.leaving.suppression import is_suppressed
from subscribers.models import Letter, Subscriber
from tests.factories import make_digest, make_edition, make_reader

from .payloads import (
    BLOCK,
    BUILDERS,
    HARD,
    SECRET,
    SOFT,
    TOLD,
    Mail,
    amazon_ses,
    payload,
    posted,
    postmark,
    settings_of_all,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailDeprecationWarning"),
    # SES, whose webhook says so at each request.
    pytest.mark.filterwarnings("ignore:.*boto3.*"),
]

State = Digest.State


@pytest.fixture(autouse=True)
def _settings(settings: Settings) -> None:
    settings.ANYMAIL = settings_of_all()


def sent_digest() -> Digest:
    return make_digest(make_edition(), make_reader(), state=State.SENT, message_id="abc")


def mail_of(digest: Digest) -> Mail:
    assert digest.subscriber is not None
    return Mail(str(digest.uuid), "abc", digest.subscriber.email)


def by_our_id(digest: Digest) -> Mail:
    """The mail, sent over SMTP: nobody but us knows the digest's id."""
    assert digest.subscriber is not None
    ours = f"<d.{digest.uuid.hex}@{django_settings.MAIL_DOMAIN}>"
    return Mail("", "another", digest.subscriber.email, ours)


def is_out_of_reach(digest: Digest) -> bool:
    assert digest.subscriber is not None
    return is_suppressed(digest.subscriber.address_hash)


@pytest.mark.parametrize(("service", "arguments", "kind"), TOLD)
def test_only_a_hard_bounce_suppresses(
    client: Client, service: str, arguments: tuple[Any, ...], kind: str
) -> None:
    digest = sent_digest()

    answer = posted(client, service, payload(service, mail_of(digest), arguments))

    digest.refresh_from_db()
    event = Event.objects.get()
    assert (answer, event.digest) == (200, digest)
    assert (is_out_of_reach(digest), event.is_permanent) == (kind == HARD, kind == HARD)
    assert Subscriber.objects.get().state == Subscriber.State.ACTIVE
    if kind == HARD:
        assert digest.state == State.BOUNCED
    elif kind == SOFT:
        assert (digest.state, event.kind) == (State.DEFERRED, EventType.BOUNCED)
    else:
        # The breaker counts what failed. Repeated, it still says nothing about the address.
        assert event.kind != EventType.BOUNCED
        held = service == "postal" and arguments[0] == "Held"
        assert digest.state == (State.SENT if held else State.FAILED)


def test_every_service_of_anymail_has_all_three() -> None:
    views = {str(one.pattern).strip("^/").partition("/")[0] for one in urls.urlpatterns}

    assert views == set(BUILDERS) == {service for service, _, _ in TOLD}
    without_soft = {"mailtrap", "postal"}  # these say "deferred"
    for service in views:
        kinds = {kind for of, _, kind in TOLD if of == service}
        assert kinds >= {HARD, BLOCK} | (set() if service in without_soft else {SOFT})


def ruined(event: Any) -> Any:
    """The same keys, and under them what nobody expects there."""
    if isinstance(event, list):
        return [ruined(each) for each in event]
    return {
        key: ruined(value) if isinstance(value, list) else {"?": 1e300}
        for key, value in event.items()
    }


BATCHES = ["mailjet", "mailtrap", "mandrill", "sendgrid", "unisender_go"]


@pytest.mark.parametrize("odd", [ruined, lambda _: {}], ids=["ruined", "empty"])
@pytest.mark.parametrize("service", BATCHES)
def test_an_event_that_cannot_be_read_costs_no_other(
    client: Client, service: str, odd: Callable[[Any], Any]
) -> None:
    digest = sent_digest()
    arguments = next(given for of, given, kind in TOLD if (of, kind) == (service, HARD))
    told = payload(service, mail_of(digest), arguments)
    single = told
    if service == "mailjet":
        told = single = [told] if isinstance(told, dict) else told
    if service == "mailtrap":
        single = told["events"]
    if service == "unisender_go":
        single = told["events_by_user"][0]["events"]
        single.insert(0, {**single[0], "event_data": odd(single[0]["event_data"])})
    else:
        single.insert(0, odd(single[0]))

    answer = posted(client, service, told)

    digest.refresh_from_db()
    assert (answer, digest.state) == (200, State.BOUNCED)


# --- sent by SMTP --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("service", "arguments"),
    [
        ("amazon_ses", ("Permanent", "General")),
        ("brevo", ("hard_bounce",)),
        ("mailgun", ("permanent", "bounce", 550, "")),
        ("mailjet", ("bounce", True, "user unknown", "recipient")),
        ("postal", ("HardFail", "550 5.1.1 nobody")),
        ("postmark", ("HardBounce",)),
        ("sendgrid", ("bounce", {"type": "bounce"})),
    ],
)
def test_a_mail_sent_by_smtp_is_found_by_our_message_id(
    client: Client, service: str, arguments: tuple[Any, ...]
) -> None:
    digest, bystander = sent_digest(), sent_digest_of_another()

    answer = posted(client, service, payload(service, by_our_id(digest), arguments))
    stray = replace(by_our_id(bystander), email=mail_of(digest).email)
    posted(client, service, payload(service, stray, arguments))

    digest.refresh_from_db()
    bystander.refresh_from_db()
    assert (answer, digest.state, is_out_of_reach(digest)) == (200, State.BOUNCED, True)
    assert (bystander.state, is_out_of_reach(bystander)) == (State.SENT, False)


def sent_digest_of_another() -> Digest:
    return make_digest(Edition.objects.get(), make_reader(), state=State.SENT, message_id="x")


def test_a_letter_sent_by_smtp_is_found_by_our_message_id(client: Client) -> None:
    reader = make_reader(state=Subscriber.State.PENDING)
    letter = Letter.objects.create(subscriber=reader, kind=Letter.Kind.CONFIRM)
    ours = str(letters.build(letter, timezone.now()).extra_headers["Message-ID"])

    posted(
        client, "amazon_ses", amazon_ses(Mail("", "1", reader.email, ours), "Permanent", "NoEmail")
    )

    assert is_suppressed(reader.address_hash)


# --- what nobody can store -----------------------------------------------------------------
@pytest.mark.parametrize(
    "damage",
    [
        {"MessageID": "a\x00b"},
        {"MessageID": "\ud800"},
        {"MessageID": ["x"]},
        {"MessageID": "x" * 5000},
        {"ID": "\x00" + "9" * 5000},
        {"ID": {"a": 1}},
        {"BouncedAt": "9999-12-31T23:59:59-14:00"},
        {"BouncedAt": "0001-01-01T00:00:00+14:00"},
        {"BouncedAt": "2026-11-25T07:00:00"},
        {"BouncedAt": "soon"},
        {"Metadata": {"digest": ["x"]}},
        {"Metadata": {"digest": "\x00"}},
        {"Metadata": {"letter": "\u0663"}},
        {"Metadata": {"letter": "9" * 400}},
        {"Email": "a\x00@x.example"},
        {"Details": "\x00" * 10_000},
        {"Details": "5.1" * 100_000},
        {"Content": [[[[[[[[[["deep"]]]]]]]]]]},
        {"Description": 7},
    ],
)
def test_an_event_with_any_value_is_stored(client: Client, damage: dict[str, Any]) -> None:
    digest = sent_digest()

    answer = posted(client, "postmark", postmark(mail_of(digest), "SoftBounce") | damage)

    event = Event.objects.get()
    assert answer == 200
    assert event.at.year in {2026, timezone.now().year}
    assert not is_out_of_reach(digest)


def test_two_long_ids_of_events_are_two_events(client: Client) -> None:
    told = postmark(mail_of(sent_digest()), "SoftBounce")

    for end in ("1", "2", "1"):
        posted(client, "postmark", told | {"ID": "9" * 400 + end})

    assert Event.objects.count() == 2


# --- subscriptions of Amazon SNS -----------------------------------------------------------
SNS_LINK = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"


def subscribed(client: Client, link: str, secret: str = SECRET) -> int:
    """Ask as SNS does when somebody makes our webhook an endpoint of a topic."""
    kind = "SubscriptionConfirmation"
    said = {"Type": kind, "MessageId": "1", "TopicArn": "arn", "Token": "t", "SubscribeURL": link}
    answer = client.post(
        "/webhooks/amazon_ses/tracking/",
        json.dumps(said),
        content_type="text/plain",
        headers={
            "Authorization": "Basic " + base64.b64encode(secret.encode()).decode(),
            "x-amz-sns-message-type": kind,
            "x-amz-sns-message-id": "1",
        },
        secure=True,
    )
    return answer.status_code


@responses.activate
def test_a_subscription_of_sns_is_confirmed_without_boto3(client: Client) -> None:
    responses.get(SNS_LINK)

    assert subscribed(client, SNS_LINK) == 200
    assert len(responses.calls) == 1


@pytest.mark.parametrize(
    ("link", "secret"),
    [
        (SNS_LINK, "us:guess"),
        ("https://sns.eu-west-1.amazonaws.com.evil.example/", SECRET),
        ("https://evil.example/?sns.eu-west-1.amazonaws.com/", SECRET),
        ("http://sns.eu-west-1.amazonaws.com/", SECRET),
        ("https://sns.a.amazonaws.com@evil.example/", SECRET),
        ("", SECRET),
    ],
)
@responses.activate
def test_no_other_link_is_followed(client: Client, link: str, secret: str) -> None:
    assert (subscribed(client, link, secret), len(responses.calls)) == (400, 0)
