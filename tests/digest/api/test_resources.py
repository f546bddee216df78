"""What the API shows and does, by the rules that hold everywhere else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from digest.models import AuditEntry, Digest, Event, Scope
from subscribers.leaving import erasing, suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Import, Letter, Subscriber, Suppression
from tests.digest.api.tokens import Caller
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db
BASIS = "Ticked the box on our conference form on 3 November 2026"


def json_of(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json()


# --- signing up ----------------------------------------------------------------------------
def test_a_sign_up_waits_for_its_reader_and_answers_the_same_for_all() -> None:
    make_reader(email="known@dest.example")
    topic = make_topic()
    call = Caller(Scope.WRITE_SUBSCRIBERS)
    answers = [
        json_of(call("POST", "subscribers", {"email": email, "topics": [topic.slug]}), 202)
        for email in ("new@dest.example", "new@dest.example", "known@dest.example")
    ]

    assert answers[0] == answers[1] == answers[2]
    new = Subscriber.objects.get(email="new@dest.example")
    assert (new.state, Letter.objects.filter(subscriber=new).count()) == ("pending", 1)
    assert mail.outbox == []


def test_a_basis_makes_a_reader_by_the_rules_of_an_import() -> None:
    call, now = Caller(), timezone.now()
    topic = make_topic()
    said = {"basis": BASIS, "topics": [topic.slug], "zone": "Europe/Lisbon", "hour": 9}
    first = json_of(call("POST", "subscribers", {"email": "ada@dest.example", **said}))
    again = json_of(call("POST", "subscribers", {"email": "Ada@DEST.example", **said}))

    ada = Subscriber.objects.get()
    assert (first["outcome"], first["id"], again["outcome"]) == ("added", ada.pk, "reader_active")
    assert (ada.state, ada.zone, ada.hour) == ("active", "Europe/Lisbon", 9)
    assert list(ada.topics.all()) == [topic]
    consent = Consent.objects.get()
    assert consent.act == "imported"
    assert consent.imported_with is not None
    assert consent.imported_with.basis == BASIS

    unsubscribe(ada, Consent.Act.ONE_CLICK, now)
    assert json_of(call("POST", "subscribers", {"email": ada.email, **said}))["outcome"] == (
        "reader_unsubscribed"
    )
    erasing.erase(ada, now)
    suppressed = make_reader(email="bo@dest.example")
    suppression.suppress(suppressed.address_hash, Suppression.Reason.MANUAL, now)
    suppressed.delete()
    for email, why in (("ada@dest.example", "erased"), ("bo@dest.example", "suppressed")):
        assert json_of(call("POST", "subscribers", {"email": email, **said}))["outcome"] == why
    assert not Subscriber.objects.exists()
    assert Import.objects.count() == 1


def test_what_came_of_a_basis_is_told_only_to_who_may_see_addresses() -> None:
    make_reader(email="known@dest.example")
    call = Caller(Scope.WRITE_SUBSCRIBERS)
    answers = [
        json_of(call("POST", "subscribers", {"email": email, "basis": BASIS}), 202)
        for email in ("new@dest.example", "known@dest.example")
    ]

    assert answers[0] == answers[1]
    assert Subscriber.objects.active().count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("email", "nobody"), ("email", "a\x00@dest.example"), ("email", None)),
        *(("topics", ["none"]), ("zone", "Mars/Olympus"), ("language", "xx"), ("basis", 5)),
        *(("state", "active"), ("confirmed_at", "2026-01-01"), ("hour", 24)),
    ],
)
def test_a_field_that_is_wrong_is_named(field: str, value: Any) -> None:
    said = json_of(
        Caller()("POST", "subscribers", {"email": "ada@dest.example", field: value}), 422
    )

    assert [error["field"] for error in said["errors"]] == [f"body.{field}"]
    assert not Subscriber.objects.exists()


# --- a reader ------------------------------------------------------------------------------
def test_preferences_change_by_the_rules_of_their_page() -> None:
    kept, dropped = make_topic(), make_topic()
    reader = make_reader(kept, dropped)
    call = Caller()
    path = f"subscribers/{reader.pk}"
    wanted = {
        "hour": 21,
        "frequency": "weekly",
        "topics": {kept.slug: "more"},
        "keywords": ["graph networks"],
        "authors": ["Lovelace, Ada"],
        "is_exploring": False,
    }
    said = json_of(call("PATCH", path, wanted))

    assert {name: said[name] for name in wanted} == {**wanted, "authors": ["Ada Lovelace"]}
    again = json_of(call("PATCH", path, {"length": 5}))
    assert again == {**said, "length": 5, "next_due_at": again["next_due_at"]}
    refused: list[dict[str, Any]] = [
        *({"zone": "Mars"}, {"hour": None}, {"topics": {"none": "more"}}, {"state": "x"}),
        *({"keywords": ["the"]}, {"paused_until": "2020-01-01"}, {"length": 2}),
    ]
    for wrong in refused:
        assert json_of(call("PATCH", path, wrong), 422)["errors"][0]["field"]
    assert json_of(call("GET", path)) == again


def test_acts_are_safe_to_repeat_and_in_the_log() -> None:
    reader = make_reader()
    call = Caller()
    path = f"subscribers/{reader.pk}"
    for _ in range(2):
        assert json_of(call("POST", f"{path}/unsubscribe"))["state"] == "unsubscribed"
        assert json_of(call("POST", f"{path}/suppress"))["suppressed"] == "manual"
    assert call("DELETE", path).status_code == 204
    assert call("DELETE", path).status_code == 404
    assert call("GET", path).status_code == 404

    log = AuditEntry.objects.order_by("pk").values_list("act", "key", "result", "via")
    assert list(log) == [
        ("subscriber.unsubscribe", str(reader.pk), "done", "api"),
        ("subscriber.suppress", str(reader.pk), "done", "api"),
        ("subscriber.unsubscribe", str(reader.pk), "same", "api"),
        ("subscriber.suppress", str(reader.pk), "same", "api"),
        ("subscriber.erase", str(reader.pk), "done", "api"),
    ]
    acts = Consent.objects.order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["by_program", "erased"]
    assert reader.email not in str(AuditEntry.objects.values())


# --- lists ---------------------------------------------------------------------------------
def test_pages_have_everything_once() -> None:
    readers = [make_reader() for _ in range(4)]
    pending = make_reader(state=Subscriber.State.PENDING, confirmed_at=None)
    call = Caller()

    assert [one["id"] for one in call.all("subscribers")] == [
        *(one.pk for one in readers),
        pending.pk,
    ]
    assert [one["id"] for one in call.all("subscribers?state=pending")] == [pending.pk]
    for number in range(3):
        make_topic(slug=f"t{number}")
    assert {f"t{number}" for number in range(3)} <= {one["slug"] for one in call.all("topics")}


def test_a_topic_is_created_and_changed_and_the_same_again_changes_nothing() -> None:
    call = Caller()
    new = {"name": "Boats", "description": "About boats.", "seed_terms": ["sail boat"]}
    assert call("PUT", "topics/boats", new).status_code == 201
    said = json_of(call("PUT", "topics/boats", new))
    assert {name: said[name] for name in new} == new
    assert json_of(call("PATCH", "topics/boats", {"is_offered": False}))["is_offered"] is False
    assert json_of(call("GET", "topics/boats"))["description"] == "About boats."

    assert list(AuditEntry.objects.order_by("pk").values_list("act", "result")) == [
        ("topic.create", "done"),
        ("topic.change", "same"),
        ("topic.change", "done"),
    ]


def test_editions_have_their_papers_and_the_states_of_their_digests() -> None:
    topic = make_topic()
    papers = [make_paper(votes=3), make_paper()]
    today = timezone.now().date()
    edition = make_edition(papers, fits={topic.pk: 0.5})
    make_edition(0, day=today - timedelta(days=1))
    for state in ("delivered", "delivered", "skipped"):
        make_digest(edition, make_reader(), state=state)
    call = Caller()

    assert [one["date"] for one in call.all("editions")] == [
        f"{today}",
        f"{today - timedelta(days=1)}",
    ]
    said = json_of(call("GET", f"editions/{today}"))
    assert (said["papers"], said["digests"]) == (2, {"delivered": 2, "skipped": 1})
    assert [(one["id"], one["votes"]) for one in said["candidates"]] == [
        (papers[0].pk, 3),
        (papers[1].pk, 0),
    ]
    assert said["candidates"][0]["topics"] == {topic.slug: 0.5}


def test_digests_are_found_by_reader_date_and_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.api.digests._STEP", 3)
    monkeypatch.setattr("digest.api.digests._READERS", 2)
    days = [datetime(2026, 11, day, tzinfo=UTC).date() for day in (20, 21, 22)]
    editions = [make_edition(1, day=day) for day in days]
    readers = [make_reader() for _ in range(3)]
    states = iter(["delivered", "skipped", "failed", "ready", "bounced", "sent"] * 2)
    made: list[Digest] = []
    for edition in editions:
        for reader in readers:
            handed_over_at = timezone.now() if len(made) % 2 else None
            made.append(
                make_digest(
                    edition,
                    reader,
                    state=next(states),
                    handed_over_at=handed_over_at,
                    skip_reason="late" if len(made) == 1 else "",
                )
            )
    gone = make_digest(editions[1], make_reader(), state="failed", error="No such template")
    erasing.erase(gone.subscriber, timezone.now())  # type: ignore[arg-type]
    made.append(gone)
    call = Caller()

    def ids(query: str) -> list[str]:
        return [one["id"] for one in call.all(f"digests?{query}")]

    def those(**wanted: Any) -> set[str]:
        return {
            one.uuid.hex
            for one in made
            if all(getattr(one, name) == value for name, value in wanted.items())
        }

    asked: dict[str, dict[str, Any]] = {
        "": {},
        "date=2026-11-21": {"local_date": days[1]},
        f"subscriber={readers[0].pk}": {"subscriber_id": readers[0].pk},
        **{f"state={state}": {"state": state} for state in Digest.State.values},
        "date=2026-11-21&state=failed": {"local_date": days[1], "state": "failed"},
        "date=2026-11-20&state=skipped": {"local_date": days[0], "state": "skipped"},
    }
    for query, wanted in asked.items():
        assert len(ids(query)) == len(set(ids(query))), query
        assert set(ids(query)) == those(**wanted), query
    assert ids(f"subscriber={readers[0].pk}")[0] == made[6].uuid.hex, "the newest first"
    said = json_of(call("GET", f"digests/{gone.uuid.hex}"))
    assert (said["subscriber"], said["state"]) == (None, "failed")
    skipped = json_of(call("GET", f"digests/{made[1].uuid}"))
    assert (skipped["reason"], skipped["words"]) == ("late", "too late")


def test_events_can_be_followed_and_none_is_listed_before_it_is_settled() -> None:
    digest = make_digest(make_edition(), make_reader(), state="sent")
    now = timezone.now()
    for number in range(3):
        Event.objects.create(
            dedupe_key=str(number),
            kind="delivered",
            digest=digest if number else None,
            mail_service="Postmark",
            at=now,
            received_at=now - timedelta(seconds=30 - 14 * number),
        )
    call = Caller()

    first, second = call.all("events")
    assert second["digest"] == digest.uuid.hex
    assert call.all(f"events?after={first['id']}") == [second]
    assert call.all(f"events?digest={digest.uuid}") == [second]
