"""The pages behind the links in a confirmation letter."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.db.models import F
from django.test import Client
from django.utils import timezone

from digest.delivery.plan import plan_due
from subscribers import addresses, links
from subscribers.models import Consent, Letter, Link, Subscriber, Suppression
from tests.factories import make_edition, make_reader

pytestmark = pytest.mark.django_db


# --- confirming ----------------------------------------------------------------------------
@pytest.fixture
def pending() -> Subscriber:
    return make_reader(state=Subscriber.State.PENDING, confirmed_at=None, next_due_at=None)


@pytest.fixture
def path(pending: Subscriber) -> str:
    """The path of a confirmation link made at this time."""
    return path_made(pending, timezone.now())


def path_made(subscriber: Subscriber, now: object) -> str:
    url = links.issue(subscriber, Link.Purpose.CONFIRM, links.CONFIRM_LIFETIME, now)  # type: ignore[arg-type]
    return urlsplit(url).path


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_scanner_that_opens_the_link_confirms_nothing(
    client: Client, pending: Subscriber, path: str, method: str
) -> None:
    getattr(client, method)(path)

    pending.refresh_from_db()
    assert pending.state == Subscriber.State.PENDING
    client.post(path)
    pending.refresh_from_db()
    assert pending.state == Subscriber.State.ACTIVE


def test_the_button_confirms_and_leads_to_the_preferences(pending: Subscriber, path: str) -> None:
    client = Client(enforce_csrf_checks=True)

    page = client.post(path, follow=True)

    now = timezone.now()
    preferences_url = links.preferences_url(pending.pk, now)
    assert page.templates[0].name == "subscribers/confirmed.html"
    assert preferences_url in page.content.decode()
    assert client.get(urlsplit(preferences_url).path).status_code == 200
    assert dict(client.cookies) == {}


def test_a_used_link_shows_the_success_again(client: Client, path: str) -> None:
    client.post(path)

    shown, repeated = client.get(path), client.post(path, follow=True)

    assert shown.content == repeated.content
    assert shown.templates[0].name == "subscribers/confirmed.html"


def test_a_truncated_link_gets_a_page_that_helps(client: Client, path: str) -> None:
    for page in (client.get(path[:-3]), client.post(path[:-3])):
        assert (page.status_code, page.templates[0].name) == (404, "subscribers/bad_link.html")


# --- too late ------------------------------------------------------------------------------
def test_an_old_link_offers_a_new_one_and_mails_it_on_a_click(
    client: Client, pending: Subscriber
) -> None:
    path = path_made(pending, timezone.now() - timedelta(hours=49))
    for page in (client.get(path), client.post(path)):
        assert (page.status_code, page.templates[0].name) == (
            410,
            "subscribers/expired_confirmation.html",
        )
    assert Letter.objects.count() == 0

    pressed = client.post(path, {"again": "1"})

    pending.refresh_from_db()
    assert pressed["Location"] == "/signup/check-your-inbox/"
    assert Letter.objects.get().kind == Letter.Kind.CONFIRM
    assert pending.state == Subscriber.State.PENDING


def test_pressing_for_a_new_link_again_and_again_mails_one_a_day(
    client: Client, pending: Subscriber
) -> None:
    path = path_made(pending, timezone.now() - timedelta(hours=49))

    answers = {client.post(path, {"again": "1"})["Location"] for _ in range(5)}

    assert (len(answers), Letter.objects.count()) == (1, 1)


def test_an_old_link_of_a_reader_opens_nothing(client: Client) -> None:
    reader = make_reader()
    path = path_made(reader, timezone.now() - timedelta(hours=49))

    page = client.post(path, {"again": "1"}, follow=True)
    shown = client.get(path).content.decode()

    assert (page.status_code, Letter.objects.count()) == (200, 0)
    assert "there is nothing left to do" in shown
    assert "/p/" not in shown


@pytest.mark.parametrize("added", [">", "=3D", ".", "%3E"])
def test_characters_a_mail_program_adds_to_the_link_do_no_harm(
    client: Client, path: str, added: str
) -> None:
    assert client.get(path + added).templates[0].name == "subscribers/confirm.html"


def test_a_link_for_something_else_confirms_nothing(client: Client, pending: Subscriber) -> None:
    now = timezone.now()
    url = links.issue(pending, Link.Purpose.REFUSE, links.REFUSE_LIFETIME, now)

    page = client.post(f"/c/{url.rpartition('/')[2]}")

    pending.refresh_from_db()
    assert (page.status_code, pending.state) == (404, Subscriber.State.PENDING)


# --- the first digest ----------------------------------------------------------------------
def test_the_first_digest_is_due_at_once_and_the_page_says_when_the_next_is(
    client: Client,
) -> None:
    with time_machine.travel("2026-11-23T05:30:00+00:00", tick=False):
        reader = make_reader(
            state=Subscriber.State.PENDING, confirmed_at=None, zone="Europe/Lisbon"
        )

        page = client.post(path_made(reader, timezone.now()), follow=True).content.decode()

        reader.refresh_from_db()
        assert reader.next_due_at == timezone.now()
    assert "Your first digest is on its way" in page
    assert "<strong>tomorrow, Tuesday, 07:00 Lisbon time</strong>" in page


def test_later_the_page_says_when_the_next_digest_comes(client: Client) -> None:
    with time_machine.travel("2026-11-23T12:00:00+00:00", tick=False) as clock:
        reader = make_reader(state=Subscriber.State.PENDING, confirmed_at=None)
        path = path_made(reader, timezone.now())
        client.post(path)
        Subscriber.objects.update(next_due_at="2026-11-24T07:00:00+00:00")
        clock.shift(timedelta(hours=2))

        page = client.get(path).content.decode()

    assert "first digest" not in page
    assert "<strong>tomorrow, Tuesday, 07:00 UTC</strong>" in page


@pytest.mark.django_db(transaction=True)
def test_the_first_digest_and_the_regular_one_of_the_day_are_one(client: Client) -> None:
    make_edition(day=timezone.now().date())
    reader = make_reader(state=Subscriber.State.PENDING, confirmed_at=None, next_due_at=None)

    client.post(path_made(reader, timezone.now()))
    first = plan_due()
    # The reader's hour has come.
    Subscriber.objects.update(next_due_at=timezone.now(), next_due_on=F("last_due_on"))
    second = plan_due()

    reader.refresh_from_db()
    assert (first, second) == (1, 0)
    assert reader.next_due_at is not None
    assert reader.next_due_at > timezone.now()


# --- this was not me -----------------------------------------------------------------------
def refuse_path(subscriber: Subscriber) -> str:
    url = links.issue(subscriber, Link.Purpose.REFUSE, links.REFUSE_LIFETIME, timezone.now())
    return urlsplit(url).path


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_scanner_that_opens_the_refusal_forgets_nobody(
    client: Client, pending: Subscriber, method: str
) -> None:
    path = refuse_path(pending)

    getattr(client, method)(path)

    assert Subscriber.objects.get() == pending
    client.post(path)
    assert Subscriber.objects.count() == 0


def test_somebody_who_says_it_was_not_them_is_deleted_and_gets_no_letter_again(
    client: Client, pending: Subscriber
) -> None:
    path = refuse_path(pending)

    answers = [client.post(path)["Location"] for _ in range(2)]

    assert answers == ["/signup/refused/"] * 2
    assert (Subscriber.objects.count(), Link.objects.count()) == (0, 0)
    suppressed = Suppression.objects.get()
    assert suppressed.address_hash == addresses.hashed(pending.email)
    assert suppressed.reason == Suppression.Reason.REFUSED
    consent = Consent.objects.get()
    assert (consent.act, consent.subscriber_id) == (Consent.Act.REFUSED, None)


def test_a_reader_who_says_it_was_not_them_is_unsubscribed(client: Client) -> None:
    reader = make_reader()

    client.post(refuse_path(reader))

    reader.refresh_from_db()
    assert (reader.state, reader.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)
    assert list(Consent.objects.values_list("act", flat=True)) == [Consent.Act.REFUSED]
    assert Suppression.objects.count() == 1


# --- leaks ---------------------------------------------------------------------------------
def test_no_token_leaves_by_the_log_or_to_other_sites(
    client: Client, pending: Subscriber, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for method in (client.get, client.post, client.head):
        for at in (path, refuse_path(pending), f"{path}x"):
            page = method(at)
            assert (page["Referrer-Policy"], page["X-Robots-Tag"]) == (
                "no-referrer",
                "noindex, nofollow",
            )
            assert "no-store" in page["Cache-Control"]

    ours = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    assert [line for line in ours if path[3:] in line] == []
