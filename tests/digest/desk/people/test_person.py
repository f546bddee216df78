"""One reader's story, and what an operator can do for them."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from digest.desk.people import story
from digest.models import AuditEntry, Click, Event, Vote
from digest.readers import votes
from subscribers.joining.wordings import CURRENT, WORDINGS
from subscribers.models import Consent, Letter, Subscriber, Subscription, Suppression, Term
from tests.digest.desk.editions.operators import operator
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db

VIEW, SEES = "subscribers.view_subscriber", "subscribers.view_addresses"
DOES = {
    "link": "subscribers.change_subscriber",
    "suppress": "subscribers.add_suppression",
    "lift": "subscribers.delete_suppression",
    "erase": "subscribers.delete_subscriber",
}


@pytest.fixture
def reader() -> Subscriber:
    topic = make_topic(name="Robots")
    ada = make_reader(topic, email="ada@dest.example", zone="Europe/Berlin", new_email="eve@x.org")
    Subscription.objects.filter(subscriber=ada).update(emphasis=Subscription.Emphasis.MORE)
    Term.objects.create(subscriber=ada, kind="keyword", text="walrus", key="walrus")
    Term.objects.create(subscriber=ada, kind="author", text="B. Doe", key="b doe", is_muted=True)
    return ada


def with_a_story(reader: Subscriber, days: int = 3, since: int = 0) -> None:
    """A consent, then for each day a digest with an event and a click, a vote and a letter."""
    now = timezone.now()
    paper = make_paper(title="On walruses")
    for act in ("asked", "confirmed"):
        Consent.objects.create(
            subscriber=reader,
            address_hash=reader.address_hash,
            act=act,
            wording=CURRENT,
            at=now - timedelta(days=90),
        )
    for back in range(since, since + days):
        at = now - timedelta(days=back)
        edition = make_edition([make_paper(title=f"Of day {back}")], day=at.date())
        first = edition.papers.get()
        digest = make_digest(
            edition, reader, state="delivered", due_at=at, handed_over_at=at,
            paper_ids=[first.pk], reasons=["pinned"], local_date=at.date(),
        )  # fmt: skip
        Event.objects.create(
            dedupe_key=f"{reader.pk} {back}",
            kind="delivered",
            digest=digest,
            detail="to <ada@dest.example>",
            at=at,
        )
        Click.objects.create(digest=digest, paper=first, at=at)
    votes.vote(reader, paper, Vote.Value.MORE, Vote.Origin.MAIL, now)
    Letter.objects.create(subscriber=reader, kind="link", sent_at=now, to="eve@dest.example")


def page_of(client: Client, reader: Subscriber, query: str = "") -> Any:
    return client.get(f"/admin/people/{reader.pk}/{query}")


def press(client: Client, reader: Subscriber, act: str) -> Any:
    return client.post(f"/admin/people/{reader.pk}/act/", {"act": act})


# --- the story -----------------------------------------------------------------------------
def test_the_page_tells_what_a_reader_wants_and_all_that_has_happened(reader: Subscriber) -> None:
    with_a_story(reader)
    html = page_of(operator(VIEW), reader).content.decode()

    for words in (
        *("Robots", "more", "walrus", "B. Doe", "muted", "Letter with a new link"),
        *("Signed up", "You get no digests until you confirm", "It arrived", "Opened a paper"),
        *("Voted “more like this”", "On walruses", "Of day 2", "Chosen by the editor"),
    ):
        assert words in html, words


def test_the_story_is_told_once_and_newest_first_over_as_many_pages_as_it_takes(
    reader: Subscriber,
) -> None:
    with_a_story(reader, days=25)
    # All of these at one instant: an import, or a burst.
    now = timezone.now()
    Consent.objects.bulk_create(
        Consent(subscriber=reader, address_hash=reader.address_hash, act="asked", at=now)
        for _ in range(story.PAGE + 5)
    )
    client, query, told = operator(VIEW), "", []
    while True:
        page = page_of(client, reader, query)
        told += [moment.place for moment, _ in page.context["moments"]]
        following = page.context["following"]
        if not following:
            break
        query = "?before=" + following.replace("+", "%2B")

    assert len(told) == len(set(told)) == 2 + 3 * 25 + 1 + 1 + story.PAGE + 5
    assert told == sorted(told, reverse=True)


@pytest.mark.parametrize("before", ["x", "2026", "~~", "2026-01-01~x~y", "0001-01-01~a~1", "%00"])
def test_a_place_that_is_none_shows_the_beginning_or_nothing(
    reader: Subscriber, before: str
) -> None:
    assert page_of(operator(VIEW), reader, f"?before={before}").status_code == 200


def test_a_page_costs_the_same_number_of_queries_for_any_reader(reader: Subscriber) -> None:
    client, other = operator(VIEW), make_reader()
    with_a_story(other, days=1)
    with_a_story(reader, days=12, since=1)
    numbers = []
    for one in (other, reader):
        page_of(client, one)
        with CaptureQueriesContext(connection) as queries:
            page_of(client, one)
        numbers.append(len(queries))

    assert numbers[1] <= numbers[0] < 40


def test_addresses_are_masked_unless_the_operator_may_see_them(reader: Subscriber) -> None:
    with_a_story(reader)
    hidden = page_of(operator(VIEW), reader).content.decode()
    shown = page_of(operator(VIEW, SEES), reader).content.decode()

    assert [word in hidden for word in ("ada@dest", "eve@dest", "eve@x.org")] == [False] * 3
    assert [word in shown for word in ("ada@dest", "eve@dest", "eve@x.org")] == [True] * 3


def test_each_wording_of_a_consent_has_its_words_and_the_last_are_those_of_the_form(
    client: Client,
) -> None:
    html = " ".join(client.get("/").content.decode().split())

    assert WORDINGS[CURRENT] in html.replace("&#x27;", "'")
    assert list(WORDINGS)[-1] == CURRENT


# --- finding -------------------------------------------------------------------------------
def test_a_search_by_address_or_number_leads_to_the_page(reader: Subscriber) -> None:
    client, viewer = operator(VIEW, SEES), operator(VIEW)
    for words in (" Ada@Dest.Example ", str(reader.pk)):
        found = client.post("/admin/people/", {"reader": words})
        assert found["Location"] == f"/admin/people/{reader.pk}/", words

    assert viewer.post("/admin/people/", {"reader": str(reader.pk)}).status_code == 302
    # Whoever may not see addresses cannot find out who reads, either.
    for words in ("ada@dest.example", "nobody@dest.example"):
        page = viewer.post("/admin/people/", {"reader": words})
        assert "You may see no addresses" in page.content.decode()
        assert "No reader has this" not in page.content.decode()


def test_a_search_for_nobody_says_what_is_known_of_the_address(reader: Subscriber) -> None:
    client = operator(VIEW, SEES, DOES["erase"])
    Suppression.objects.create(address_hash=reader.address_hash, reason="complained")
    press(client, reader, "erase")

    html = client.post("/admin/people/", {"reader": "ada@dest.example"}).content.decode()

    assert "No reader has this address or number." in html
    assert "Had their data erased" in html
    assert "its reader reported our mail as spam" in html
    assert (
        "Nobody has ever" in client.post("/admin/people/", {"reader": "b@x.org"}).content.decode()
    )
    assert client.post("/admin/people/", {"reader": "\0 no address"}).status_code == 200


# --- what operators do ---------------------------------------------------------------------
def acts() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("act", "key", "result"))


@pytest.mark.parametrize("act", DOES)
def test_each_button_needs_its_permission_and_a_post(reader: Subscriber, act: str) -> None:
    others = [VIEW, SEES, *(name for one, name in DOES.items() if one != act)]
    client = operator(*others)

    assert press(client, reader, act).status_code == 403
    assert client.get(f"/admin/people/{reader.pk}/act/?act={act}").status_code == 405
    assert f'value="{act}"' not in page_of(client, reader).content.decode()
    assert press(operator(DOES[act]), reader, act).status_code == 403  # who may not see the page
    assert press(client, reader, "nothing").status_code == 404
    reader.refresh_from_db()
    assert not Letter.objects.exists()
    assert not Suppression.objects.exists()


def test_a_link_is_sent_once_however_often_the_button_is_pressed(reader: Subscriber) -> None:
    client = operator(VIEW, DOES["link"])
    for _ in range(3):
        press(client, reader, "link")

    assert [letter.kind for letter in Letter.objects.all()] == ["link"]
    assert [result for _, _, result in acts()] == ["done", "same", "same"]
    assert acts()[0][:2] == ("reader.link", str(reader.pk))


def test_who_has_not_confirmed_gets_the_confirmation_again_and_consents_to_nothing_new() -> None:
    now = timezone.now()
    pending = make_reader(state="pending", next_due_at=None, confirmed_at=None)
    Letter.objects.create(
        subscriber=pending,
        kind="confirm",
        wishes={"topics": [], "zone": "UTC", "language": "de"},
        created_at=now - timedelta(days=2),
        sent_at=now,
    )
    client = operator(VIEW, DOES["link"])
    for _ in range(2):
        press(client, pending, "link")

    letters = list(Letter.objects.order_by("pk"))
    assert [letter.kind for letter in letters] == ["confirm", "confirm"]
    assert letters[1].wishes == letters[0].wishes
    assert not Consent.objects.exists()


def test_suppressing_and_lifting_it(reader: Subscriber) -> None:
    client = operator(VIEW, DOES["suppress"], DOES["lift"])
    for act in ("suppress", "suppress"):
        press(client, reader, act)
    assert Suppression.objects.get().reason == "manual"
    assert page_of(client, reader).context["next"].words.startswith("Next: none, because")
    for act in ("lift", "lift"):
        press(client, reader, act)

    assert not Suppression.objects.exists()
    assert [(act, result) for act, _, result in acts()] == [
        ("reader.suppress", "done"),
        ("reader.suppress", "same"),
        ("reader.lift", "done"),
        ("reader.lift", "same"),
    ]


def test_erasing_twice_erases_once_and_leaves_a_number_in_the_log(reader: Subscriber) -> None:
    with_a_story(reader)
    client = operator(VIEW, DOES["erase"])

    for _ in range(2):
        assert press(client, reader, "erase")["Location"] == "/admin/people/"

    assert not Subscriber.objects.exists()
    assert Consent.objects.filter(act="erased").count() == 1
    assert acts() == [("reader.erase", str(reader.pk), "done")]
    assert "dest.example" not in str(list(AuditEntry.objects.values()))
    assert page_of(client, reader).status_code == 404


def test_the_download_is_the_reader_s_own_and_stands_in_the_log(reader: Subscriber) -> None:
    with_a_story(reader)
    url = f"/admin/people/{reader.pk}/export/"

    assert operator(VIEW).post(url).status_code == 403
    assert operator(VIEW, SEES).get(url).status_code == 405
    answer = operator(VIEW, SEES).post(url)

    known = json.loads(answer.content)
    assert known["reader"]["email"] == "ada@dest.example"
    assert len(known["digests"]) == 3
    assert acts()[-1] == ("reader.export", str(reader.pk), "done")


def test_what_operators_did_stands_in_the_story(reader: Subscriber) -> None:
    client = operator(VIEW, DOES["suppress"])
    press(client, reader, "suppress")

    assert "reader.suppress" in page_of(client, reader).content.decode()


def test_a_past_digest_leads_to_the_mail_as_it_was_sent(reader: Subscriber) -> None:
    with_a_story(reader, days=1)
    day = f"{timezone.now().date():%Y-%m-%d}"
    url = f"/admin/digest/edition/desk/{day}/preview/?reader={reader.pk}"

    assert url in page_of(operator(VIEW, "digest.preview_edition"), reader).content.decode()
    assert "/preview/?reader=" not in page_of(operator(VIEW), reader).content.decode()
    assert date.fromisoformat(day)
