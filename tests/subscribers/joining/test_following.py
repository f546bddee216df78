"""Following an author from their page: by signing up, or through a reader's own link."""

import re
from datetime import timedelta
from urllib.parse import quote, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from subscribers import letters, links
from subscribers.forms import opened_now
from subscribers.models import Letter, Link, Subscriber, Term
from subscribers.wishes import following, terms
from tests.factories import make_reader

pytestmark = pytest.mark.django_db
ADA = "Ada Lovelace"


def followed(reader: Subscriber) -> list[str]:
    theirs = Term.objects.filter(subscriber=reader, kind=Term.Kind.AUTHOR, is_muted=False)
    return list(theirs.order_by("pk").values_list("text", flat=True))


def path_of(reader: Subscriber, offer: str) -> str:
    now = timezone.now()
    url = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, now)
    return f"{urlsplit(url).path}/follow?author={quote(offer)}"


def sign_up(client: Client, author: str, email: str = "ada@dest.example") -> Letter:
    opened = opened_now(least=timedelta(0))
    answer = client.post("/signup/", {"email": email, "author": author, "opened": opened})
    assert answer.status_code == 302
    return Letter.objects.get()


def test_a_new_reader_follows_the_author_once_they_confirm(client: Client) -> None:
    offer = following.offer(ADA)
    html = client.get(f"/signup/?author={quote(offer)}").content.decode()
    assert f"<bdi>{ADA}</bdi>" in html
    assert f'name="author" value="{offer}"' in html

    letter = sign_up(client, offer)
    assert not Term.objects.exists()
    [link] = re.findall(r"https?://\S+(/c/\S+)", str(letters.build(letter, timezone.now()).body))
    client.post(link)

    assert followed(Subscriber.objects.get()) == [ADA]


def test_a_reader_gets_a_link_to_follow_the_author_and_nothing_changes(client: Client) -> None:
    reader = make_reader(email="ada@dest.example")

    letter = sign_up(client, following.offer(ADA))
    message = letters.build(letter, timezone.now())

    [path] = re.findall(r"https?://[^/\s]+(/p/\S+/follow\S+)", str(message.body))
    assert followed(reader) == []
    assert "Follow <bdi>Ada Lovelace</bdi>?" in client.get(path).content.decode()
    assert followed(reader) == []
    for _ in range(2):
        assert client.post(path).status_code == 303
    assert followed(reader) == [ADA]
    assert "You follow <bdi>Ada Lovelace</bdi>" in client.get(path).content.decode()


def test_to_follow_a_muted_author_is_to_mute_them_no_longer(client: Client) -> None:
    reader = make_reader()
    terms.mute_author(reader, ADA)

    client.post(path_of(reader, following.offer(ADA)))

    assert followed(reader) == [ADA]
    assert Term.objects.count() == 1


@pytest.mark.parametrize("said", ["Buy now", f"{ADA}:x", ":", "", "\x00", "a" * 5000, "🦜:🦜"])
def test_no_other_name_than_one_of_our_pages_says_is_taken(client: Client, said: str) -> None:
    reader = make_reader()

    html = client.get(f"/signup/?author={quote(said)}").content.decode()
    answer = client.post(path_of(reader, said))

    assert 'name="author"' not in html
    assert (answer.status_code, followed(reader)) == (302, [])
    assert following.offered(said) == ""


def test_there_is_a_limit_and_the_page_says_so(client: Client) -> None:
    reader = make_reader()
    for number in range(terms.MOST):
        assert following.follow(reader, f"Ada Author{number}")

    html = client.post(path_of(reader, following.offer(ADA))).content.decode()

    assert "You follow as many authors" in html
    assert len(followed(reader)) == terms.MOST


@pytest.mark.parametrize("name", ["A", "", "…", "x" * 90])
def test_what_nobody_can_follow_is_not_offered(name: str) -> None:
    assert following.offer(name) == ""
