"""Saved papers: kept by a button, with notes, as files for reference managers, and as a feed."""

import json
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from digest.models import Digest, Paper, Saved
from digest.readers import saved
from digest.readers.bibliography import read
from subscribers import links
from subscribers.joining import address_change
from subscribers.models import Link, Subscriber
from tests.digest.sent import read_path, sent_digest, vote_path
from tests.factories import make_edition, make_paper, make_reader

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def saved_path(digest: Digest) -> str:
    assert digest.subscriber_id is not None
    return f"/s/{links.monthly(digest.subscriber_id, timezone.now()).saved}"


def kept() -> dict[int, str]:
    return dict(Saved.objects.order_by("pk").values_list("paper_id", "note"))


# --- keeping -------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_a_link_keeps_nothing(client: Client, method: str) -> None:
    digest = sent_digest()

    answer = getattr(client, method)(f"{saved_path(digest)}/{digest.paper_ids[0]}")

    assert (answer.status_code, kept(), answer.cookies) == (200, {}, {})
    assert "no-store" in answer["Cache-Control"]


def test_a_paper_is_kept_noted_and_removed(client: Client) -> None:
    digest = sent_digest()
    pk = digest.paper_ids[1]
    path = f"{saved_path(digest)}/{pk}"

    for _time in range(2):
        answer = client.post(path, {"w": "save"})
    assert (answer.status_code, answer["Location"]) == (303, path)
    client.post(path, {"w": "note", "note": "One\r\ntwo\x00 <b>" + "x" * 3000})
    page = client.get(saved_path(digest)).content.decode()

    assert kept() == {pk: ("One\ntwo <b>" + "x" * 3000)[: Saved.NOTE_LENGTH]}
    assert "two &lt;b&gt;xxx" in page
    client.post(path, {"w": "undo"})
    assert kept() == {}


def test_one_keeps_only_what_is_public(client: Client) -> None:
    digest = sent_digest()
    waiting, dropped = make_paper(), make_paper(set_aside=Paper.Aside.DROPPED)
    make_edition([dropped], day=timezone.now().date() - timedelta(days=1))

    for pk in (waiting.pk, dropped.pk, 0, 10**17):
        assert client.post(f"{saved_path(digest)}/{pk}", {"w": "save"}).status_code == 404

    assert kept() == {}


def test_no_one_keeps_without_end(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MOST", 2)
    digest = sent_digest()

    answers = [
        client.post(f"{saved_path(digest)}/{pk}", {"w": "save", "back": "saved"}, follow=True)
        for pk in digest.paper_ids
    ]

    assert len(kept()) == 2
    assert "You can keep 2 papers" in answers[-1].content.decode()


def test_papers_are_added_by_their_names(client: Client, settings: Settings) -> None:
    digest = sent_digest()
    papers = list(Paper.objects.order_by("pk"))
    text = (
        f"{papers[0].url} {settings.SITE_URL}/papers/{papers[1].pk}/any-words\n"
        f"https://elsewhere.example/papers/{papers[2].pk} arXiv:1999.00001"
    )

    page = client.post(saved_path(digest), {"add": "1", "papers": text}).content.decode()

    assert set(kept()) == {papers[0].pk, papers[1].pk}
    assert "2 of 4 are papers that we have." in page


@pytest.mark.parametrize("text", ["", "nothing here", "\x00\x01"])
def test_what_names_no_paper_is_explained(client: Client, text: str) -> None:
    page = client.post(saved_path(sent_digest()), {"add": "1", "papers": text}).content.decode()

    assert "Nothing was added." in page


# --- one purpose for each token ------------------------------------------------------------
def test_no_other_link_opens_the_list_and_it_opens_nothing_else(client: Client) -> None:
    digest = sent_digest()
    tokens = {path.split("/")[2] for path in (read_path(digest), vote_path(digest))}
    own = saved_path(digest).split("/")[2]

    for token in tokens:
        assert client.get(f"/s/{token}").status_code == 404
        assert client.post(f"/s/{token}/{digest.paper_ids[0]}", {"w": "save"}).status_code == 404
    for path in (f"/v/{own}/{digest.paper_ids[0]}", f"/p/{own}", f"/f/{own}"):
        assert client.get(path).status_code == 404
    assert kept() == {}


def test_each_keeps_their_own(client: Client) -> None:
    digest, other = sent_digest(), make_reader()
    saved.save(other, digest.paper_ids, timezone.now())

    client.post(f"{saved_path(digest)}/{digest.paper_ids[0]}", {"w": "undo"})

    assert client.get(saved_path(digest)).content.decode().count('<textarea name="note"') == 0
    assert len(kept()) == 3


@pytest.mark.parametrize("papers", [2, 9])
def test_the_list_takes_the_same_queries_for_any_number(
    client: Client, papers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    digest = sent_digest([make_paper() for _ in range(papers)])
    assert digest.subscriber is not None
    saved.save(digest.subscriber, digest.paper_ids, timezone.now())

    with django_assert_num_queries(5):
        client.get(saved_path(digest))


# --- files ---------------------------------------------------------------------------------
HOSTILE = 'Brackets {and} "signs" & 50 % \\input{x} <script>'


def test_files_for_reference_managers_hold_papers_and_notes(client: Client) -> None:
    digest = sent_digest([make_paper(title=HOSTILE), make_paper(), make_paper()])
    assert digest.subscriber is not None
    saved.save(digest.subscriber, digest.paper_ids[:2], timezone.now())
    saved.write_note(digest.subscriber, digest.paper_ids[0], "See\nTY  - @misc{x, }")
    keys = set(Paper.objects.filter(pk__in=digest.paper_ids[:2]).values_list("key", flat=True))

    for form in ("bib", "ris", "json"):
        answer = client.get(f"{saved_path(digest)}/saved-papers.{form}")
        text = answer.content.decode()
        library = read(answer.content)
        assert answer["Content-Disposition"] == f'attachment; filename="saved-papers.{form}"'
        assert {reference.keys[0] for reference in library.references} == keys, form
        assert library.bad == 0
        assert "See" in text
    notes = {item.get("note") for item in json.loads(text)}
    assert notes == {"See\nTY  - @misc{x, }", None}


# --- the feed ------------------------------------------------------------------------------
def feed_of(page: str) -> str:
    (address,) = re.findall(r'value="https://news\.example\.org(/f/[\w-]{32})"', page)
    return str(address)


def test_the_feed_has_a_link_of_its_own_that_can_be_ended(client: Client) -> None:
    digest = sent_digest([make_paper(title="A <b> & c"), make_paper()])
    assert digest.subscriber is not None
    saved.save(digest.subscriber, digest.paper_ids, timezone.now())
    saved.write_note(digest.subscriber, digest.paper_ids[0], "Mine \x0b <i>")

    first = feed_of(client.post(saved_path(digest), {"feed": "1"}).content.decode())
    shown_again = client.get(saved_path(digest)).content.decode()
    answer = client.get(first)
    feed = ElementTree.fromstring(answer.content)

    assert first not in shown_again
    assert answer["Content-Type"].startswith("application/atom+xml")
    titles = [title.text for title in feed.findall(f"{ATOM}entry/{ATOM}title")]
    assert sorted(map(str, titles)) == sorted(Paper.objects.values_list("title", flat=True))
    assert "Mine  &lt;i&gt;" in "".join(feed.itertext())
    assert digest.subscriber.email not in answer.content.decode()

    second = feed_of(client.post(saved_path(digest), {"feed": "1"}).content.decode())
    assert [client.get(path).status_code for path in (first, second)] == [404, 200]
    client.post(saved_path(digest), {"end": "1"})
    assert client.get(second).status_code == 404
    assert not Link.objects.filter(purpose=Link.Purpose.FEED).exists()


def test_the_feed_ends_with_the_subscription_and_with_the_mailbox(client: Client) -> None:
    digest = sent_digest()
    reader = digest.subscriber
    assert reader is not None
    paths = [feed_of(client.post(saved_path(digest), {"feed": "1"}).content.decode())]

    Subscriber.objects.update(state=Subscriber.State.UNSUBSCRIBED)
    assert client.get(paths[0]).status_code == 404
    Subscriber.objects.update(state=Subscriber.State.ACTIVE, new_email="new@dest.example")
    reader.refresh_from_db()
    url = links.issue(reader, Link.Purpose.CHANGE, links.CHANGE_LIFETIME, timezone.now())
    link = links.find(url.rpartition("/")[2], Link.Purpose.CHANGE, timezone.now())
    address_change.confirm(link, timezone.now())

    assert [client.get(path).status_code for path in (*paths, saved_path(digest))] == [404, 404]
