"""Today: its numbers are those of the rows, it says what is wrong, and its queries are few."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from digest.desk.today import broker, readers, run, topics
from digest.desk.words import clock
from digest.models import Digest, Edition, Heartbeat, Hold, Look, Vote
from subscribers.models import Consent
from tests.digest.desk.scene import SKIPS, STATES, a_morning
from tests.factories import make_digest, make_paper, make_reader

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _living_worker(settings: Settings) -> None:
    settings.SOURCES = ["huggingface", "arxiv"]
    broker.client().flushdb()
    broker._said_at = float("-inf")
    broker.say_alive("all@host", broker.queue_names())


def today(client: Client) -> str:
    answer = client.get("/admin/", secure=True)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_numbers_are_those_of_the_rows(admin_client: Client) -> None:
    edition = a_morning()
    due = [make_reader() for _ in range(2)]

    now = run.look()
    found = readers.look()

    skipped = sum(SKIPS.values())
    assert now.states == {**STATES, "skipped": skipped}
    assert now.skips == [("thin", 2), ("nothing_new", 1)]
    assert now.sent == Digest.objects.filter(state__in=Digest.ACCEPTED).count() == 13
    assert (now.readers_due.number, now.ready.number, now.left) == (len(due), STATES["ready"], 5)
    assert now.total == Digest.objects.count() + len(due)
    assert (now.edition and now.edition.pk, now.edition and now.edition.papers) == (edition.pk, 12)
    assert now.edition is not None
    assert sum(now.edition.states.values()) == edition.digests.count()
    assert found.asked == Consent.objects.filter(act="asked").count()
    assert found.confirmed == Consent.objects.filter(act="confirmed").count()
    assert found.imported == Consent.objects.filter(act="imported").count() == 4
    assert found.came == found.confirmed + 4
    assert dict(found.ways) == {"one_click": 8, "unsubscribed": 5}
    assert dict(found.reasons) == {"": 8, "too_many": 5}
    assert found.bounced == 1
    said = {topic.label: topic.votes for topic in topics.look()}
    assert sum(said.values()) == Vote.objects.count()
    page = today(admin_client)
    assert "sent 13 in doubt 1 failed 2 skipped 3 waiting 5" in page
    assert "too few papers 2" in page
    assert "imported 4" in page


def test_the_rate_is_that_of_the_last_minute_and_says_when_the_rest_is_done() -> None:
    a_morning()
    Digest.objects.filter(state="ready").update(state="sent", mail_service="smtp")
    waiting = [make_reader() for _ in range(40)]

    now = run.look()

    # All at once: at least five seconds are assumed for that.
    sent = STATES["ready"]
    assert now.per_second == pytest.approx(sent / 5, rel=0.5)
    assert now.time_left is not None
    assert now.time_left.total_seconds() == pytest.approx(len(waiting) / now.per_second)


def test_today_says_what_needs_a_person_in_words(admin_client: Client) -> None:
    a_morning()
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=7, seconds=40))

    page = today(admin_client)

    assert "No tick for 7 min: nothing is planned or fetched." in page
    assert "Restart the clock (celery beat)" in page
    assert "1 digest has been in doubt since" in page
    assert "arXiv was last read: never. 3 looks have failed since. Look now" in page
    assert "2 of today’s digests failed." in page
    assert "google asked us to wait until" in page
    assert "last tick 7 min ago" in page


def test_a_calm_morning_needs_nobody(admin_client: Client, settings: Settings) -> None:
    settings.SOURCES = ["huggingface"]
    a_morning(calm=True)

    page = today(admin_client)

    assert "Nothing. All is well." in page
    assert "Nobody is due now." in page
    assert "data-refresh" not in admin_client.get("/admin/", secure=True).content.decode()


def test_a_held_edition_comes_first_with_the_button_that_helps(
    admin_client: Client, settings: Settings
) -> None:
    a_morning()
    settings.EDITION_LEAST_PAPERS, settings.EDITION_CLOSES_HOUR = 20, 0
    day = timezone.now().date()
    Edition.objects.update(date=day - timedelta(days=1))
    held = Edition.objects.create(date=day, hold_rule="thin", closed_at=None)
    make_paper()

    html = admin_client.get("/admin/", secure=True).content.decode()

    words = f"The edition of {day} is held: 1 paper waits for it"
    assert f"{words}, and EDITION_LEAST_PAPERS asks for 20." in today(admin_client)
    assert "It should have closed at" in html
    assert html.index(words) < html.index("Look now")
    assert 'name="act" value="approve"' in html
    admin_client.post(f"/admin/digest/edition/desk/{day}/act/", {"act": "approve"}, secure=True)
    held.refresh_from_db()
    assert (held.hold_rule, held.approved_at is None) == ("", False)


def test_today_says_when_waiting_digests_resume(admin_client: Client) -> None:
    edition = a_morning()
    at = timezone.now() + timedelta(minutes=9)
    lost = {"lease_token": uuid4(), "lease_until": at, "next_attempt_at": at}
    for _ in range(2):
        make_digest(edition, make_reader(next_due_at=None), **lost)
    later = at + timedelta(minutes=20)
    make_digest(edition, make_reader(next_due_at=None), next_attempt_at=later)

    page = today(admin_client)

    with_worker = "2 digests are with a worker. If that is lost, they resume at"
    assert f"{with_worker} {clock(at, timezone.now())}." in page
    assert "1 digest waits for its edition or its turn: it resumes at" in page


def test_a_dead_worker_shows(admin_client: Client) -> None:
    a_morning()
    broker.say_goodbye("all@host")

    assert "No living worker serves the queue “digests”; 0 tasks wait in it." in today(admin_client)


def test_the_page_is_as_good_without_redis(admin_client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    a_morning()

    assert "Redis cannot be reached (ConnectionError)." in today(admin_client)


def test_more_rows_take_no_more_queries(admin_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            today(admin_client)
        return len(captured)

    edition = a_morning(held=True)
    queries()  # the first page of a session notes when it began
    few = queries()
    for _ in range(5):
        make_digest(edition, make_reader(), state="sent")
        make_reader()
        Look.objects.create(source="huggingface", outcome="failed")
        Hold.objects.create(mail_service="other", reason="Paused by an operator")

    assert queries() == few <= 30


# --- held sending, on every page -----------------------------------------------------------
@pytest.mark.parametrize(
    "path", ["", "tables/", "digest/digest/", "digest/edition/", "subscribers/subscriber/"]
)
def test_every_page_says_that_sending_is_held(admin_client: Client, path: str) -> None:
    Hold.objects.create(mail_service="", reason="Paused by Ada", until=None)

    page = admin_client.get(f"/admin/{path}", secure=True).content.decode()

    assert "All sending is held." in page
    assert "Paused by Ada" in page
    assert "until somebody releases it." in page


def test_a_hold_is_released_by_post_and_leads_back(admin_client: Client) -> None:
    hold = Hold.objects.create(mail_service="smtp", reason="Blocked")
    url = f"/admin/holds/{hold.pk}/release/"

    assert admin_client.get(url, secure=True).status_code == 405
    for back, expected in [
        ("/admin/digest/digest/?q=a", "/admin/digest/digest/?q=a"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example/", "/admin/"),
    ]:
        answer = admin_client.post(url, {"next": back}, secure=True)
        assert answer["Location"] == expected

    assert not Hold.objects.active().exists()


def test_who_may_not_release_sees_the_hold_without_its_button(client: Client) -> None:
    hold = Hold.objects.create(mail_service="smtp", reason="Blocked")
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_hold"))
    client.force_login(viewer)

    page = client.get("/admin/", secure=True).content.decode()
    answer = client.post(f"/admin/holds/{hold.pk}/release/", secure=True)

    assert ("Blocked" in page, "/release/" in page, answer.status_code) == (True, False, 403)
    assert Hold.objects.active().exists()


def test_nobody_else_hears_of_a_hold(client: Client) -> None:
    Hold.objects.create(mail_service="smtp", reason="Blocked")

    assert "Blocked" not in client.get("/admin/login/", secure=True).content.decode()
    assert client.get("/admin/", secure=True).status_code == 302


def test_a_look_is_queued_at_once(admin_client: Client, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = settings.REDIS_URL
    before = broker.look().queues["chores"]

    answer = admin_client.post("/admin/sources/arxiv/look/", secure=True, follow=True)

    assert "A worker looks at the source now." in answer.content.decode()
    assert broker.look().queues["chores"] == before + 1
    assert admin_client.post("/admin/sources/none/look/", secure=True).status_code == 404
    broker.client().flushdb()
