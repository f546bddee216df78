"""The desk's pages: what they show, who may open them, and who may press which button."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries, Settings

from digest import tasks
from digest.admin.edition_acts import ACTS, CHANGE, RUN
from digest.desk.editions import forecasts, steering
from digest.models import Curation, Digest, Edition, Hold, Look, Paper
from tests.digest.desk.editions.operators import operator
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db

VIEW = "digest.view_edition"


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tasks that were queued."""
    names: list[str] = []
    monkeypatch.setattr(
        "celery.app.task.Task.apply_async", lambda task, *_, **__: names.append(task.name)
    )
    return names


@pytest.fixture(autouse=True)
def _closing_hour_has_come(settings: Settings) -> None:
    settings.EDITION_CLOSES_HOUR = 0


@pytest.fixture
def edition() -> Edition:
    return make_edition(6, fits={make_topic(name="Boats").pk: 0.87})


def desk(day: date) -> str:
    return reverse("admin:digest_edition_desk_of", args=[day.isoformat()])


def act(client: Client, day: date, name: str, **fields: Any) -> str:
    """Press a button. Returns what the page then tells."""
    url = reverse("admin:digest_edition_act", args=[day.isoformat()])
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = client.post(url, {"act": name, **fields}, secure=True, follow=True)
    page = answer.content.decode()
    found = re.search(r'<ul class="messagelist">(.*?)</ul>', page, re.DOTALL)
    assert answer.status_code == 200, answer.status_code
    return " ".join(re.sub(r"<[^>]*>", "", found.group(1)).split()) if found else ""


def test_the_page_shows_the_papers_with_what_is_known_of_them(
    admin_client: Client, edition: Edition
) -> None:
    first, second, *_ = Paper.objects.order_by("pk")
    steering.annotate(first, None, note="A note.")
    steering.pin(second, None)
    forecasts.ask(edition.date, timezone.now())
    forecasts.make_all()

    page = admin_client.get(desk(edition.date), secure=True).content.decode()

    assert "Boats 87 %" in page
    assert "A note." in page
    assert "Pinned no. 1" in page
    assert "0 of 0 readers would get it" in page
    assert page.index(second.title) < page.index(first.title)
    assert "<script>" not in page
    assert 'style="' not in page


def test_the_desk_opens_on_the_edition_that_closes_next(admin_client: Client) -> None:
    paper = make_paper(title="It waits")
    answer = admin_client.get(reverse("admin:digest_edition_desk"), secure=True, follow=True)

    assert paper.title in answer.content.decode()
    assert "It closes on" in answer.content.decode()
    assert not Edition.objects.exists()
    listed = admin_client.get(reverse("admin:digest_edition_changelist"), secure=True)
    assert listed.status_code == 200


def test_a_title_can_be_searched_for_and_the_list_has_pages(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.desk.editions.candidates.PAGE", 2)
    edition = make_edition([make_paper(title=f"Walrus {n}", votes=9 - n) for n in range(4)])

    def titles(query: str) -> list[str]:
        page = admin_client.get(desk(edition.date) + query, secure=True).content.decode()
        return re.findall(r"<bdi>(.*?)</bdi>", page)

    assert titles("") == ["Walrus 0", "Walrus 1"]
    assert titles("?page=2") == ["Walrus 2", "Walrus 3"]
    assert titles("?q=3+walrus") == ["Walrus 3"]
    assert titles("?page=x&q=%00") == titles("?q=nothing") == []


def test_the_number_of_queries_does_not_depend_on_the_number_of_papers(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    edition = make_edition(25)
    with django_assert_max_num_queries(32):
        admin_client.get(desk(edition.date), secure=True)


@pytest.mark.parametrize("day", ["2020-01-01", "x", "2026-13-01"])
def test_there_is_no_page_for_other_days(admin_client: Client, day: str) -> None:
    for name in ("desk_of", "preview"):
        url = reverse(f"admin:digest_edition_{name}", args=[day])
        assert admin_client.get(url, secure=True).status_code == 404


# --- permissions ---------------------------------------------------------------------------
@pytest.mark.parametrize("name", list(ACTS))
def test_each_button_needs_its_permission_and_a_post(name: str, edition: Edition) -> None:
    needed = ACTS[name].permission
    other = {CHANGE: RUN, RUN: CHANGE}[needed]
    url = reverse("admin:digest_edition_act", args=[edition.date.isoformat()])
    paper = Paper.objects.earliest("pk")
    fields = {"act": name, "paper": str(paper.pk)}
    may, may_not = operator(VIEW, needed), operator(VIEW, other)

    assert may_not.post(url, fields, secure=True).status_code == 403
    assert may.get(url, fields, secure=True).status_code == 405
    assert not Curation.objects.exists()
    assert not Hold.objects.exists()
    assert may.post(url, fields, secure=True).status_code == 302
    page = may_not.get(desk(edition.date), secure=True).content.decode()
    assert f'value="{name}"' not in page
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = may.cookies
    assert strict.post(url, fields, secure=True).status_code == 403


def test_the_pages_need_their_permissions(edition: Edition) -> None:
    make_reader()
    day = edition.date.isoformat()
    pages = {"desk_of": VIEW, "preview": "digest.preview_edition"}
    for name, permission in pages.items():
        url = reverse(f"admin:digest_edition_{name}", args=[day])
        assert operator(permission).get(url, secure=True).status_code == 200
        assert operator(RUN, CHANGE).get(url, secure=True).status_code == 403
        assert Client().get(url, secure=True).status_code == 302
    assert operator(VIEW).get(reverse("admin:digest_edition_desk"), secure=True).status_code == 302
    assert operator(RUN).get(reverse("admin:digest_edition_desk"), secure=True).status_code == 403


def test_there_are_no_other_buttons(admin_client: Client, edition: Edition) -> None:
    url = reverse("admin:digest_edition_act", args=[edition.date.isoformat()])

    assert admin_client.post(url, {"act": "delete"}, secure=True).status_code == 404
    assert admin_client.post(url, {"act": "pin", "paper": "٣"}, secure=True).status_code == 302
    assert admin_client.post(url, {"act": "pin", "paper": "9" * 40}, secure=True).status_code == 302
    assert not Curation.objects.exists()


# --- what the buttons do, each twice -------------------------------------------------------
SAME = "Nothing changed: it was like that already."


@pytest.fixture
def twice(admin_client: Client) -> Any:
    def press(day: date, name: str, **fields: Any) -> list[str]:
        return [act(admin_client, day, name, **fields) for _ in range(2)]

    return press


def test_papers_are_pinned_moved_dropped_and_written_about(twice: Any, edition: Edition) -> None:
    day = edition.date
    first, second, *_ = Paper.objects.order_by("pk")

    assert twice(day, "pin", paper=first.pk) == ["Pinned.", SAME]
    assert twice(day, "pin", paper=second.pk) == ["Pinned.", SAME]
    assert twice(day, "up", paper=second.pk) == ["Moved up.", SAME]
    assert [one.paper_id for one in steering.pinned(edition.pk)] == [second.pk, first.pk]
    assert twice(day, "down", paper=second.pk) == ["Moved down.", SAME]
    assert twice(day, "unpin", paper=second.pk) == ["Not pinned.", SAME]
    assert twice(day, "up", paper=second.pk) == ["Only pinned papers have an order."] * 2
    assert twice(day, "drop", paper=first.pk) == ["Dropped: nobody gets it.", SAME]
    assert twice(day, "restore", paper=first.pk) == ["Taken back in.", SAME]
    texts = {"note": "N.", "summary": "S."}
    assert twice(day, "texts", paper=first.pk, **texts) == ["Saved.", SAME]
    assert twice(day, "texts", paper=first.pk, note="N.", summary="") == ["Saved.", SAME]
    assert twice(day, "pin", paper=make_paper().pk) == ["This edition has no such paper."] * 2
    by = set(Curation.objects.values_list("by__username", flat=True))
    assert by == {"admin"}


def test_an_edition_is_held_approved_and_closed(
    twice: Any, queued: list[str], admin_client: Client
) -> None:
    make_paper()
    day = timezone.now().date()

    assert twice(day, "hold") == ["The edition is held until somebody approves it.", SAME]
    page = admin_client.get(desk(day), secure=True).content.decode()
    assert "an operator holds it until it is approved." in page
    # Its hour has come, so approving closes it.
    said = twice(day, "approve")
    assert said[0].startswith("The edition is approved and has closed.")
    assert said[1] == f"The edition of {day} is already closed."
    assert queued.count("digest.send") >= 1


def test_an_edition_is_closed_at_once(twice: Any, queued: list[str]) -> None:
    make_paper()
    day = timezone.now().date()

    first, second = twice(day, "close")
    assert first == "The edition has closed."
    assert second.startswith(f"The edition of {day} is already closed.")
    assert "digest.send" in queued
    following = day + timedelta(days=1)
    early = "cannot close before its day: papers still come in for it."
    assert twice(following, "close") == [f"The edition of {following} {early}"] * 2


def test_sources_are_asked_once_a_minute(twice: Any, queued: list[str], edition: Edition) -> None:
    assert twice(edition.date, "fetch") == ["Asking huggingface for new papers."] * 2
    assert queued == ["digest.look"] * 2

    Look.objects.create(source="huggingface", outcome="ok")

    assert twice(edition.date, "fetch")[0] == "All sources have been asked within the last minute."
    assert queued == ["digest.look"] * 2


def test_a_run_is_paused_and_resumed(twice: Any, queued: list[str], edition: Edition) -> None:
    other = Hold.objects.create(mail_service="smtp", reason="The password is wrong.")

    assert twice(edition.date, "pause") == ["Sending is paused.", SAME]
    assert Hold.objects.active().filter(mail_service="").count() == 1
    said = twice(edition.date, "resume")
    assert said == [
        "The pause has ended, but there is another hold: smtp: The password is wrong.",
        SAME,
    ]
    assert list(Hold.objects.active()) == [other]
    assert "digest.send" in queued


def test_a_run_is_stopped_and_started_again(twice: Any, edition: Edition) -> None:
    reader = make_reader()
    digest = make_digest(None, reader, local_date=edition.date)

    assert twice(edition.date, "stop") == [
        "The run is stopped: nobody else gets this edition.",
        SAME,
    ]
    Digest.objects.update(state="skipped", skip_reason="stopped", edition=edition)
    assert twice(edition.date, "start") == [
        "The run goes on. Digests that get another try: 1.",
        SAME,
    ]
    digest.refresh_from_db()
    assert (digest.state, digest.skip_reason, digest.edition) == ("ready", "", None)


def test_what_failed_is_tried_again(twice: Any, queued: list[str], edition: Edition) -> None:
    make_digest(edition, make_reader(), state=Digest.State.FAILED, handed_over_at=timezone.now())

    said = twice(edition.date, "retry")

    assert said == ["Digests that get another try: 1.", "Digests that get another try: 0."]
    assert "digest.send" in queued


def test_those_who_did_not_get_it_get_it(twice: Any, edition: Edition) -> None:
    for reason in ("no_edition", "held", "late", "thin", "unsubscribed"):
        make_digest(edition, make_reader(), state="skipped", skip_reason=reason)
    make_digest(edition, make_reader(state="unsubscribed"), state="skipped", skip_reason="late")
    make_digest(edition, make_reader(), state=Digest.State.SENT)

    said = twice(edition.date, "missing")

    assert said == ["Digests that get another try: 3.", "Digests that get another try: 0."]
    assert Digest.objects.filter(state="ready", skip_reason="").count() == 3


def test_only_the_newest_edition_has_a_run(twice: Any, edition: Edition) -> None:
    old = make_edition(day=edition.date - timedelta(days=1))

    assert twice(old.date, "stop") == ["Only the newest closed edition has a run."] * 2


def test_a_silent_broker_is_told_and_what_was_done_stays_done(
    admin_client: Client, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> None:
        raise OperationalError

    monkeypatch.setattr(tasks, "start_at_once", silent)
    act(admin_client, edition.date, "pause")

    said = act(admin_client, edition.date, "resume")

    assert "Redis cannot be reached, so it begins at the next tick." in said
    assert not Hold.objects.active().exists()
