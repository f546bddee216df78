"""Scanners that open every link in a mail: nothing changes, and nobody learns whose mail it was."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from subscribers import addresses, letters, links
from subscribers.joining import address_change
from subscribers.leaving.suppression import is_suppressed
from subscribers.models import Letter, Link, Subscriber
from tests.digest.sent import mail_of, sent_digest
from tests.factories import make_reader

pytestmark = pytest.mark.django_db

ADDRESS = "Private.Person@dest.example"
SITE = re.compile(r"https://news\.example\.org(/[^\s\"'<>]*)")


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def digest_mail() -> EmailMessage:
    return parsed(mail_of(sent_digest(reader=make_reader(email=ADDRESS))).message().as_bytes())


def letter(kind: str) -> EmailMessage:
    """A letter of this kind as it is sent; for a new address, to that address, and of a change to
    the former one."""
    now = timezone.now()
    state = Subscriber.State.PENDING if kind == Letter.Kind.CONFIRM else Subscriber.State.ACTIVE
    reader = make_reader(email=ADDRESS, state=state)
    if kind in {Letter.Kind.CHANGE, Letter.Kind.CHANGED}:
        address_change.start(reader, addresses.parse("Another.Person@dest.example"), now)
    else:
        Letter.objects.create(subscriber=reader, kind=kind)
    if kind == Letter.Kind.CHANGED:
        asked = address_change.link_for(Letter.objects.get(), now) or ""
        link = links.find(asked.rpartition("/")[2], Link.Purpose.CHANGE, now)
        address_change.confirm(link, now)
    return parsed(letters.build(Letter.objects.get(kind=kind), now).message().as_bytes())


def links_in(message: EmailMessage) -> set[str]:
    """The paths of all links to our site, in the headers and in both parts."""
    texts = [str(value) for value in message.values()]
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        texts.append(unescape(str(part.get_content())))
    return {path for text in texts for path in SITE.findall(text)}


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
    }


MAILS = ["digest", *Letter.Kind.values]
# How many links with a token each mail has. A test that finds no links would prove nothing.
TOKENS = {"digest": 4 + 3 * 3, "confirm": 2, "known": 1, "link": 1, "change": 1, "changed": 1}


@pytest.mark.parametrize("name", MAILS)
def test_opening_every_link_of_a_mail_changes_nothing_and_tells_no_address(
    client: Client, name: str
) -> None:
    found = links_in(digest_mail() if name == "digest" else letter(name))
    before = everything()

    for path in sorted(found):
        for method in ("head", "get", "get", "options"):
            answer = getattr(client, method)(path)
            assert answer.status_code == (405 if method == "options" else 200), path
            assert ("erson@" in answer.content.decode(), dict(answer.cookies)) == (False, {})

    assert len([path for path in found if re.match(r"/[a-z]/", path)]) == TOKENS[name]
    assert everything() == before


def test_only_a_click_on_the_page_changes_something(client: Client) -> None:
    before = everything()
    confirm = next(path for path in links_in(letter(Letter.Kind.CONFIRM)) if path[:3] == "/c/")

    client.post(confirm)

    assert everything() != before
    assert Subscriber.objects.get().state == Subscriber.State.ACTIVE


def test_no_page_behind_a_mail_s_link_tells_another_site_where_its_visitor_was(
    client: Client,
) -> None:
    paths = sorted(path for path in links_in(digest_mail()) if re.match(r"/[a-z]/", path))

    for path in paths:
        page = client.get(path)
        fetched = re.findall(r'<(?:script|link|img|form)[^>]*(?:src|href|action)="([^"]+)"',
                             page.content.decode())  # fmt: skip
        assert page["Referrer-Policy"] == "no-referrer"
        assert {urlsplit(address).netloc for address in fetched} <= {"", "news.example.org"}
        assert "default-src 'none'" in page["Content-Security-Policy"]
    assert paths


def test_a_digest_that_is_passed_on_gives_away_its_reader_s_digests_and_nothing_else(
    client: Client,
) -> None:
    """The recipient can unsubscribe the reader, and the reader can undo that."""
    bystander = make_reader()
    paths = links_in(digest_mail())
    reader = Subscriber.objects.get(email=ADDRESS)

    for path in sorted(paths):
        for wish in ({"link": "1"}, {"email": "thief@evil.example"}, {"w": "more"}, {}):
            client.post(path, wish)
    for prefix in [path for path in paths if path.startswith("/p/")]:
        for name in ("address", "export", "erase"):
            assert (
                client.post(f"{prefix}/{name}", {"email": "thief@evil.example"}).status_code == 302
            )

    reader.refresh_from_db()
    bystander.refresh_from_db()
    assert (reader.email, reader.new_email, is_suppressed(reader.address_hash)) == (
        ADDRESS,
        "",
        False,
    )
    assert bystander.state == Subscriber.State.ACTIVE
    assert {mail.to or mail.subscriber.email for mail in Letter.objects.all()} <= {ADDRESS}
    assert not Link.objects.filter(purpose=Link.Purpose.CHANGE).exists()
