"""A new address: nothing changes until it confirms, and no page reveals whose it is."""

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from subscribers import addresses, letters, links
from subscribers.joining import address_change
from subscribers.leaving import suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.letters import LetterCounts
from subscribers.models import Consent, Letter, Link, Subscriber, Suppression
from subscribers.wishes import preferences
from tests.factories import make_reader
from tests.smtp_sink import Sink
from tests.subscribers.joining.test_signup_alike import HISTORIES, shape

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "New@dest.example"


@pytest.fixture
def path(reader: Subscriber) -> str:
    """The page for changing the address, behind a fresh link."""
    url = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, timezone.now())
    return f"{urlsplit(url).path}/address"


def ask(client: Client, path: str, email: str = NEW) -> str:
    """Enter the new address and return the page that follows."""
    return client.post(path, {"email": email}, follow=True).content.decode()


def body_of(sink: Sink, number: int = -1) -> str:
    message = message_from_bytes(sink.messages[number].content, policy=policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_of(sink: Sink, number: int = -1) -> str:
    """The path of the link in a letter to a new address."""
    found = re.search(r"https://news\.example\.org(/a/[\w-]{32})\s", body_of(sink, number))
    assert found is not None
    return found.group(1)


def send() -> LetterCounts:
    return letters.send_waiting(timezone.now(), 10)


def email_of(reader: Subscriber) -> str:
    return Subscriber.objects.get(pk=reader.pk).email


# --- the way it should go ------------------------------------------------------------------
def test_digests_go_to_the_new_address_once_it_has_confirmed(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    ask(client, path)
    send()
    assert (email_of(reader), sink.messages[0].recipients) == ("Reader@dest.example", [NEW])

    page = client.post(link_of(sink), follow=True)

    reader.refresh_from_db()
    assert (reader.email, reader.new_email) == (NEW, "")
    assert reader.address_hash == addresses.hashed(NEW)
    assert Consent.objects.get().act == Consent.Act.CHANGED
    assert "Your digests now go to <bdi>N***@dest.example</bdi>" in page.content.decode()


def test_the_old_address_is_told_and_can_stop_it(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    ask(client, path)
    send()
    client.post(link_of(sink))
    send()

    assert sink.messages[1].recipients == ["Reader@dest.example"]
    assert "N***@dest.example" in body_of(sink, 1)
    assert NEW not in body_of(sink, 1)
    assert links.unsubscribe_url(reader.pk) in body_of(sink, 1)


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_changes_nothing(
    client: Client, reader: Subscriber, path: str, sink: Sink, method: str
) -> None:
    ask(client, path)
    send()

    answer = getattr(client, method)(link_of(sink))

    assert (answer.status_code, email_of(reader)) == (200, "Reader@dest.example")


def test_a_link_that_was_used_shows_success_again(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    ask(client, path)
    send()
    client.post(link_of(sink))

    again = client.post(link_of(sink), follow=True)

    assert "your address has changed" in again.content.decode()
    assert Consent.objects.filter(act=Consent.Act.CHANGED).count() == 1
    assert Letter.objects.filter(kind=Letter.Kind.CHANGED).count() == 1


def test_the_old_links_to_leave_go_on_working(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    old = urlsplit(links.unsubscribe_url(reader.pk)).path
    ask(client, path)
    send()
    client.post(link_of(sink))

    client.post(old, {"List-Unsubscribe": "One-Click"})

    reader.refresh_from_db()
    assert reader.state == Subscriber.State.UNSUBSCRIBED


# --- whose address it is -------------------------------------------------------------------
def test_the_page_says_the_same_whoever_has_the_address(
    client: Client, reader: Subscriber, path: str
) -> None:
    make_reader(email="active@dest.example")
    unsubscribe(make_reader(email="left@dest.example"), Consent.Act.ONE_CLICK, timezone.now())
    suppression.suppress(
        addresses.hashed("never@dest.example"), Suppression.Reason.COMPLAINED, timezone.now()
    )
    names = ("free", "active", "left", "never", "fifth")

    pages = {ask(client, path, f"{name}@dest.example") for name in names}

    assert len(pages) == 1


def test_asking_is_the_same_work_whoever_has_the_address(client: Client) -> None:
    asking = [make_reader() for _ in HISTORIES]
    for name, happened in HISTORIES.items():
        happened(make_reader(email=f"{name}@dest.example"))
    answers, statements = set(), set()

    for reader, name in zip(asking, HISTORIES, strict=True):
        url = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, timezone.now())
        path = f"{urlsplit(url).path}/address"
        with CaptureQueriesContext(connection) as captured:
            answer = client.post(path, {"email": f"{name}@dest.example"})
        answers.add((answer.status_code, answer.content, answer["Location"].removeprefix(path)))
        statements.add(tuple(shape(query["sql"]) for query in captured))

    assert (len(answers), len(statements)) == (1, 1)


def test_a_suppressed_address_gets_nothing(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    suppression.suppress(addresses.hashed(NEW), Suppression.Reason.COMPLAINED, timezone.now())
    ask(client, path)

    assert (send(), sink.messages) == (LetterCounts(given_up=1), [])
    assert Subscriber.objects.filter(pk=reader.pk).exists()


def test_another_reader_is_told_by_mail_only_and_nothing_changes(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    make_reader(email=NEW)
    ask(client, path)

    send()

    assert "It already gets digests of its own" in body_of(sink)
    assert not Link.objects.filter(purpose=Link.Purpose.CHANGE).exists()
    assert email_of(reader) == "Reader@dest.example"


def test_an_address_that_became_a_readers_meanwhile_is_not_taken_over(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    ask(client, path)
    send()
    other = make_reader(email=NEW)

    page = client.post(link_of(sink))

    assert "This address already gets digests" in page.content.decode()
    assert (email_of(reader), email_of(other)) == ("Reader@dest.example", NEW)


def test_a_sign_up_in_the_same_moment_is_no_error(
    client: Client, reader: Subscriber, path: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(client, path)
    send()
    # After the check that the address is free, and before it is stored.
    monkeypatch.setattr(
        address_change, "_notify_old_address", lambda *_: make_reader(email=NEW, state="pending")
    )

    page = client.post(link_of(sink))

    assert "This address already gets digests" in page.content.decode()
    assert email_of(reader) == "Reader@dest.example"


@pytest.mark.parametrize("state", ["pending", "unsubscribed"])
def test_remains_of_an_earlier_sign_up_become_the_readers(
    client: Client, reader: Subscriber, path: str, sink: Sink, state: str
) -> None:
    earlier = make_reader(email=NEW, state=state)
    links.ensure([earlier], timezone.now())
    Consent.objects.create(
        subscriber=earlier, address_hash=earlier.address_hash, act=Consent.Act.ASKED
    )
    way_out = urlsplit(links.unsubscribe_url(earlier.pk)).path
    ask(client, path)
    send()

    client.post(link_of(sink))
    assert (Subscriber.objects.count(), email_of(reader)) == (1, NEW)
    assert Consent.objects.filter(subscriber=reader).count() == 2

    client.post(way_out)
    assert Subscriber.objects.get().state == Subscriber.State.UNSUBSCRIBED


# --- what the old mailbox can do afterwards -------------------------------------------------
def urls_in_old_mails(reader: Subscriber) -> dict[str, str]:
    """The path of each link that the reader's mailbox holds, by its purpose."""
    now = timezone.now()
    links.ensure([reader], now)
    monthly = links.monthly(reader.pk, now)
    fresh = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, now)
    confirm = links.issue(reader, Link.Purpose.CONFIRM, links.CONFIRM_LIFETIME, now)
    return {
        "fresh": urlsplit(fresh).path,
        "confirm": urlsplit(confirm).path,
        "preferences": f"/p/{monthly.preferences}",
        "read": f"/d/{monthly.read}/2026-11-02",
        "vote": f"/v/{monthly.vote}/1",
        "export": f"{urlsplit(fresh).path}/export",
        "erase": f"{urlsplit(fresh).path}/erase",
    }


def move(client: Client, path: str, sink: Sink, to: str = NEW) -> None:
    ask(client, path, to)
    send()
    client.post(link_of(sink))
    send()


def test_no_link_in_the_old_mailbox_opens_anything_but_the_way_out(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    held = urls_in_old_mails(reader)
    out = urlsplit(links.unsubscribe_url(reader.pk)).path

    move(client, path, sink)
    reader.refresh_from_db()
    links.ensure([reader], timezone.now())  # as the next digest does

    answers = {name: client.get(url).status_code for name, url in held.items()}
    assert answers == dict.fromkeys(held, 404)
    assert client.get(out).status_code == 200


def test_the_old_mailbox_can_stop_the_mail_and_nothing_else(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    links.ensure([reader], timezone.now())
    out = urlsplit(links.unsubscribe_url(reader.pk)).path
    move(client, path, sink)
    reader.refresh_from_db()
    before = Subscriber.objects.filter(pk=reader.pk).values().get()

    for page in ("weekly", "pause", "undo"):
        assert f'value="{page}"' not in client.get(out).content.decode()
        client.post(out, {"page": page})
    assert Subscriber.objects.filter(pk=reader.pk).values().get() == before

    client.post(out, {"page": "leave"})
    assert 'value="undo"' not in client.get(out).content.decode()
    for page in ("undo", "reason"):
        client.post(out, {"page": page, "reason": "never_asked"})
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.UNSUBSCRIBED
    assert not Consent.objects.exclude(reason="").exists()


def test_the_new_mailbox_can_do_all_that_its_way_out_offers(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    move(client, path, sink)
    reader.refresh_from_db()
    out = urlsplit(links.unsubscribe_url(reader.pk, reader.links_generation)).path

    client.post(out, {"page": "weekly"})
    client.post(out, {"page": "leave"})
    client.post(out, {"page": "undo"})

    reader.refresh_from_db()
    assert (reader.state, reader.frequency) == ("active", "weekly")
    assert out not in body_of(sink), "the letter to the old mailbox"


def test_a_fresh_link_that_was_being_sent_goes_to_the_new_mailbox(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    preferences.mail_link(reader, timezone.now())
    letter = letters._claim(timezone.now())
    assert letter is not None
    move(client, path, sink)

    letters.send(letter, timezone.now())

    assert sink.messages[-1].recipients == [NEW]


def test_a_worker_that_knew_the_reader_before_the_move_brings_no_old_link_back(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    now = timezone.now()
    known_before = Subscriber.objects.get(pk=reader.pk)
    move(client, path, sink)
    Subscriber.objects.update(links_epoch="")

    links.ensure([known_before], now)

    reader.refresh_from_db()
    old, new = (links.monthly(reader.pk, now, generation) for generation in (0, 1))
    assert client.get(f"/p/{old.preferences}").status_code == 404
    links.ensure([reader], now)
    assert client.get(f"/p/{new.preferences}").status_code == 200


def test_the_new_mailbox_gets_links_that_work(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    move(client, path, sink)
    reader.refresh_from_db()
    links.ensure([reader], timezone.now())

    url = links.preferences_url(reader.pk, timezone.now(), reader.links_generation)
    assert client.get(urlsplit(url).path).status_code == 200


def test_this_was_not_me_is_about_the_address_it_went_to(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    old_hash = reader.address_hash
    refuse = links.issue(reader, Link.Purpose.REFUSE, links.REFUSE_LIFETIME, timezone.now())
    move(client, path, sink)

    client.post(urlsplit(refuse).path)

    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    assert suppression.is_forbidden(old_hash)
    assert not suppression.is_suppressed(reader.address_hash)


# --- what is refused -----------------------------------------------------------------------
@pytest.mark.parametrize(
    "email", ["", "no address", "a@x.example, b@y.example", "READER@dest.EXAMPLE"]
)
def test_an_invalid_new_address_is_refused_with_an_explanation(
    client: Client, reader: Subscriber, path: str, email: str
) -> None:
    page = ask(client, path, email)

    assert '<p class="error"' in page
    assert not Letter.objects.exists()


def test_a_link_confirms_the_address_that_it_went_to_and_no_later_one(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    ask(client, path, "first@dest.example")
    send()
    first = link_of(sink)
    ask(client, path, "second@dest.example")
    send()

    assert client.post(first).status_code == 404
    assert email_of(reader) == "Reader@dest.example"
    client.post(link_of(sink))
    assert email_of(reader) == "second@dest.example"


def test_a_letter_that_was_overtaken_by_another_address_is_not_sent(
    client: Client, reader: Subscriber, path: str, now: datetime
) -> None:
    ask(client, path, "first@dest.example")
    overtaken = Letter.objects.get()
    ask(client, path, "second@dest.example")

    with pytest.raises(letters.UnsafeLetter):
        letters.build(overtaken, now)


def test_three_addresses_a_day_are_asked_and_no_more(
    client: Client, reader: Subscriber, path: str
) -> None:
    pages = {ask(client, path, f"n{number}@dest.example") for number in range(5)}

    reader.refresh_from_db()
    assert len(pages) == 1
    assert Letter.objects.count() == address_change.CHANGES_A_DAY
    assert reader.new_email == "n2@dest.example"


def test_a_reader_who_left_meanwhile_is_not_brought_back(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    ask(client, path)
    send()
    unsubscribe(reader, Consent.Act.ONE_CLICK, timezone.now())

    assert client.post(link_of(sink)).status_code == 404
    assert email_of(reader) == "Reader@dest.example"


def test_an_address_that_complained_meanwhile_is_not_taken(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    ask(client, path)
    send()
    suppression.suppress(addresses.hashed(NEW), Suppression.Reason.COMPLAINED, timezone.now())

    assert client.post(link_of(sink)).status_code == 404
    assert email_of(reader) == "Reader@dest.example"


def test_a_bounced_address_works_again_once_it_has_confirmed(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    suppression.suppress(addresses.hashed(NEW), Suppression.Reason.BOUNCED, timezone.now())
    ask(client, path)
    send()

    client.post(link_of(sink))

    assert (email_of(reader), Suppression.objects.count()) == (NEW, 0)


def test_the_letter_holds_nothing_that_somebody_typed(
    client: Client, reader: Subscriber, path: str, sink: Sink
) -> None:
    ask(client, path, "Buy-pills.now@dest.example")
    send()

    assert "pills" not in body_of(sink)
    assert "Reader" not in body_of(sink)
    assert links.find(link_of(sink).rpartition("/")[2], Link.Purpose.CHANGE, timezone.now())
    with pytest.raises(links.ExpiredLink):
        links.find(
            link_of(sink).rpartition("/")[2],
            Link.Purpose.CHANGE,
            timezone.now() + timedelta(hours=49),
        )


# --- afterwards ----------------------------------------------------------------------------
def test_an_address_that_did_not_confirm_is_forgotten_after_a_week(
    client: Client, reader: Subscriber, path: str
) -> None:
    ask(client, path)
    now = timezone.now()

    early, late = (address_change.forget_stale(now + timedelta(days=days), 10) for days in (6, 8))

    reader.refresh_from_db()
    assert (early, late, reader.new_email) == (0, 1, "")
    assert not Letter.objects.exists()


def test_an_address_that_was_asked_recently_is_not_forgotten_with_an_older_one(
    client: Client, reader: Subscriber, path: str
) -> None:
    ask(client, path, "first@dest.example")
    Letter.objects.update(created_at=timezone.now() - timedelta(days=8))
    ask(client, path, "second@dest.example")

    address_change.forget_stale(timezone.now(), 10)

    reader.refresh_from_db()
    assert reader.new_email == "second@dest.example"
    assert Letter.objects.get().to == "second@dest.example"
