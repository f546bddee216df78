"""The log of what operators did: everything is in it, nobody changes it, and it can be searched."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.test import Client, TestCase

from digest.admin.edition_acts import ACTS
from digest.desk import audit, log
from digest.desk.people.acts import ACTS as PERSON_ACTS
from digest.models import AuditEntry, Hold
from subscribers.database import execute
from subscribers.export import everything_about
from subscribers.models import Subscriber
from tests.digest.desk.access import pages
from tests.digest.desk.access.pages import NOBODY, NONE, Scene
from tests.digest.desk.access.people import browser_of, user_of
from tests.factories import make_reader

pytestmark = pytest.mark.django_db
# These POSTs only ask something. An address that is asked for must not be in that of a page.
ASKS = {"index", "tables", "app_list", "people", "digest_edition_preview_find"}
ASKS |= {"digest_digest_trial", "subscribers_topic_preview", "view_on_site"}
ASKS |= {"password_change_done", "digest_auditentry_changelist"}
# Tests of their own go through these step by step, and look into the log.
ELSEWHERE = {"confirm", "add_app", "add_passkey", "renew_codes", "remove_factor"}
ELSEWHERE |= {name for name in pages.PAGES if name.startswith("import")} | {"export_readers"}
ELSEWHERE |= {"digest_token_", "digest_endpoint_", "digest_call_"}
_TOPIC = {"name": "Ships", "slug": "ships", "position": "1", "matched_by": "words"}
_TOPIC |= {"description": "About ships", "seed_terms": "ships"}
_WANTS = {"zone": "UTC", "hour": "6", "frequency": "daily", "weekday": "0", "length": "5"}
_NEW = {"username": "new", "password1": "a good one 12", "password2": "a good one 12"}
# What has to be posted so that something happens; nothing, if a name is not here.
BODIES: dict[str, list[dict[str, Any]]] = {
    "digest_edition_act": [{"act": name} for name in ACTS],
    "person_act": [{"act": name} for name in PERSON_ACTS],
    "password_change": [
        {"old_password": "old one", "new_password1": "a good 12", "new_password2": "a good 12"}
    ],
    "digest_edition_preview_test": [{"to": "me@dest.example", "key": "0" * 31 + "1"}],
    "after_restore": [{"sent_until": "2026-11-27T09:30"}],
    "digest_hold_changelist": [{"action": "release"}],
    "digest_hold_add": [{"mail_service": "smtp", "reason": "Now"}],
    "subscribers_topic_add": [_TOPIC],
    "subscribers_topic_change": [_TOPIC],
    "subscribers_subscriber_change": [_WANTS],
    "subscribers_suppression_add": [{"address": "bob@dest.example"}],
    "auth_user_add": [_NEW],
    "auth_user_change": [{"username": "bob", "role": "editor", "is_active": "on"}],
    "auth_user_password_change": [_NEW],
    "auth_group_add": [{"name": "more"}],
    "auth_group_change": [{"name": "more"}],
}
_NO_INLINES = {
    f"{prefix}-{part}_FORMS": "0"
    for prefix in ("subscription_set", "subscriptions")
    for part in ("TOTAL", "INITIAL")
}


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr("celery.app.task.Task.apply_async", lambda *_, **__: None)
    monkeypatch.setattr("digest.desk.doctor.examining.examine", lambda *_: [])
    return pages.make_scene()


def body_of(scene: Scene, name: str, said: dict[str, Any]) -> dict[str, Any]:
    """What a form of this page posts, with a row of each kind to act on."""
    rows = scene.rows
    body = {"post": "yes", "reader": rows["subscribers_subscriber"].pk, **_NO_INLINES}
    body["paper"] = rows["digest_paper"].pk
    if name.endswith("_changelist"):
        body["action"] = "delete_selected"
        body["_selected_action"] = [rows[name.removesuffix("_changelist")].pk]
    return {**body, **said}


def posted(client: Client, scene: Scene, name: str, said: dict[str, Any]) -> tuple[int, int]:
    """Post, and take it back. Returns the answer's status, and how many rows were added for it."""
    with transaction.atomic():
        before = AuditEntry.objects.count()
        page = client.post(scene.url(name), body_of(scene, name, said))
        added = AuditEntry.objects.filter(by_name="root").count()
        assert AuditEntry.objects.count() - before == added, name
        transaction.set_rollback(True)
    return page.status_code, added


def test_nothing_that_is_posted_succeeds_without_a_row(scene: Scene) -> None:
    root = User.objects.create_superuser("root", password="old one")
    missing = []
    for name in filter(pages.is_known, sorted(set(pages.names()) - pages.OPEN - ASKS)):
        nobody_may = pages.allowed(name)[1] == NONE or name.endswith("_history")
        if nobody_may or name.startswith(tuple(ELSEWHERE)):
            continue
        for said in BODIES.get(name, [{}]):
            status, added = posted(browser_of(root), scene, name, said)
            assert status < 500, name
            is_refused = pages.allowed(name)[1] == NOBODY and status in {403, 404}
            does_nothing = name.endswith("_changelist") and name not in BODIES and status != 302
            if not added and not is_refused and not does_nothing:
                missing.append(f"{name} {said.get('act', '')}: {status}")

    assert missing == []


def test_what_is_refused_is_in_the_log_and_what_is_rolled_back_is_not(scene: Scene) -> None:
    viewer = browser_of(user_of("viewer"))
    viewer.post(scene.url("release_hold"))
    (refused,) = AuditEntry.objects.exclude(act="test.act")
    assert (refused.act, refused.key, refused.result) == ("page.post", "release_hold", "refused")

    with transaction.atomic():
        audit.record(viewer.get("/admin/").wsgi_request, "hold.release")
        transaction.set_rollback(True)

    assert not AuditEntry.objects.filter(act="hold.release").exists()


def test_an_act_that_cannot_be_done_is_recorded_with_its_reason(scene: Scene) -> None:
    operator = browser_of(user_of("operator"))
    with TestCase.captureOnCommitCallbacks():
        operator.post(scene.url("digest_edition_act"), {"act": "pin"})
        operator.post(scene.url("digest_edition_act"), {"act": "pause"}, REMOTE_ADDR="192.0.2.77")
        operator.post(scene.url("digest_edition_act"), {"act": "pause"})

    refused, paused, again = AuditEntry.objects.exclude(act="test.act").order_by("pk")
    assert (refused.result, refused.details["why"]) == (
        "refused",
        "This edition has no such paper.",
    )
    assert (paused.act, paused.by_name, paused.network) == (
        "edition.pause",
        "the-operator",
        "192.0.2.0/24",
    )
    assert [paused.result, again.result] == ["done", "same"]
    assert (paused.kind, paused.key) == ("digest.edition", str(scene.rows["digest_edition"].pk))


def test_the_log_holds_no_address_of_a_reader_and_erasing_one_leaves_a_number(
    scene: Scene,
) -> None:
    reader = scene.rows["subscribers_subscriber"]
    operator = browser_of(user_of("operator"))
    operator.post(scene.url("subscribers_subscriber_change"), {**_WANTS, **_NO_INLINES})
    operator.post(
        scene.url("subscribers_suppression_add"), {"address": "ada.lovelace@dest.example"}
    )
    body = {"to": "me@dest.example", "reader": reader.pk, "key": "0" * 31 + "1"}
    operator.post(scene.url("digest_edition_preview_test"), body)
    audit.record(audit.COMMAND, "x.y", on=reader, why="ada.lovelace@dest.example left", n=["a@b.c"])
    operator.post(scene.url("person_act"), {"act": "erase"})

    rows = [str(row) for row in AuditEntry.objects.values()]
    assert len(rows) >= 5
    assert not [row for row in rows if "@" in row or "lovelace" in row]
    assert not LogEntry.objects.exists()
    assert not Subscriber.objects.exists()
    assert AuditEntry.objects.filter(kind="subscribers.subscriber", key=reader.pk).count() >= 3


@pytest.mark.parametrize(
    "change", ["UPDATE digest_auditentry SET act = 'x'", "DELETE FROM digest_auditentry"]
)
def test_the_database_refuses_to_change_or_delete_a_row(change: str) -> None:
    audit.record(audit.COMMAND, "hold.release")

    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        execute(change)

    assert AuditEntry.objects.get().act == "hold.release"


def test_readers_learn_what_operators_did_about_them_but_not_who() -> None:
    reader, other = make_reader(), make_reader()
    for one in (reader, other):
        audit.record(user_of("operator", f"op{one.pk}"), "reader.suppress", on=one)

    (told,) = everything_about(reader)["operators"]

    assert (told["act"], told["result"], set(told)) == (
        "reader.suppress",
        "done",
        {"at", "act", "result"},
    )


def test_a_row_outlives_its_operator() -> None:
    user = user_of("operator", "ada")
    audit.record(user, "hold.release")

    user.delete()

    assert AuditEntry.objects.get().by_name == "ada"


# --- looking things up ---------------------------------------------------------------------
@pytest.fixture
def many() -> dict[str, User]:
    people = {name: user_of("operator", name) for name in ("ada", "bob")}
    hold, reader = Hold.objects.create(reason="x"), make_reader()
    for number in range(60):
        audit.record(people["ada"], "paper.pin", on=("digest.paper", number))
    audit.record(people["bob"], "hold.release", on=hold)
    audit.record(people["bob"], "holder.see")
    audit.record(people["bob"], "reader.erase", on=reader)
    return people


def test_rows_are_found_by_person_act_object_and_day(many: dict[str, User]) -> None:
    def found(**asked: str) -> int:
        return len(log.look_up(log.Wish.of(asked)).rows)

    hold = Hold.objects.get()
    today = AuditEntry.objects.earliest("pk").at.date().isoformat()
    assert found(by="bob") == 3
    assert found(act="hold") == found(act="hold.release") == 1
    assert found(object=f"digest.hold {hold.pk}") == found(object="digest.hold") == 1
    assert found(by="ada", act="hold") == 0
    assert found(since=today, until=today) == log.ON_A_PAGE
    assert found(until="2020-01-01") == found(since="2100-01-01") == 0
    assert found(since="x", until="0000-99-99", before="y") == log.ON_A_PAGE
    assert log.look_up(log.Wish(by="nobody")).problem


def test_pages_follow_each_other_and_only_owners_see_networks(many: dict[str, User]) -> None:
    ada, owner = browser_of(many["ada"]), browser_of(user_of("owner"))
    audit.record(ada.get("/admin/", REMOTE_ADDR="198.51.100.7").wsgi_request, "hold.add")
    path, row = "/admin/digest/auditentry/", '<tr class="is-'

    seen, of_owner = (client.get(path).content.decode() for client in (ada, owner))
    assert ("198.51.100.0/24" in seen, "198.51.100.0/24" in of_owner) == (False, True)
    following = seen.split("Older")[0].rsplit('href="', 1)[1].split('"')[0]
    second = ada.get(path + following).content.decode()
    assert (seen.count(row), second.count(row)) == (log.ON_A_PAGE, 14)

    history = ada.get(f"/admin/digest/hold/{Hold.objects.get().pk}/history/").headers["Location"]
    assert history.startswith(f"{path}?object=digest.hold+")
    assert ada.get(history).content.decode().count(row) == 1


def test_nothing_that_is_looked_for_reads_the_whole_log() -> None:
    execute(
        """
        INSERT INTO digest_auditentry (by_id, act, kind, key, details, by_name, network)
        SELECT n % 5, 'act.n' || n % 40, 'digest.paper', n % 900, '{}', '', ''
        FROM generate_series(1, 40000) n
        """
    )
    execute("ANALYZE digest_auditentry")
    wishes: list[dict[str, str]] = [
        {},
        {"act": "act"},
        {"act": "act.n3"},
        {"object": "digest.paper 7"},
    ]
    wishes += [{"since": "2020-01-01"}, {"act": "act.n9", "object": "digest.paper 8"}]
    for asked in wishes:
        rows = log._within(log._matching(log.Wish.of(asked)), log.Wish.of(asked))  # type: ignore[arg-type]
        plan = rows.order_by("-id")[:51].explain()
        assert "Seq Scan" not in plan, (asked, plan)
        assert "Sort" not in plan or "object" in asked, (asked, plan)


def test_the_log_is_for_operators(client: Client) -> None:
    path = "/admin/digest/auditentry/"
    answers = [browser_of(user_of(role)).get(path).status_code for role in ("editor", "operator")]
    assert answers == [403, 200]
