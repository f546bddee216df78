"""Rules for every page with a token in its path, including pages added later."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from subscribers import addresses, links
from subscribers.joining import address_change
from subscribers.models import Letter, Link, Subscriber
from tests.digest.sent import edition_of, sent_digest
from tests.factories import make_reader

pytestmark = pytest.mark.django_db

UNKNOWN = "x" * 22
OTHER_PARTS = {"day": "2026-11-23", "paper_id": "1", "form": "bib"}


def token_routes(patterns: Sequence[Any], namespace: str = "") -> Iterator[tuple[str, set[str]]]:
    """The name and groups of each URL pattern with a token."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from token_routes(pattern.url_patterns, f"{pattern.namespace}:")
        elif isinstance(pattern, URLPattern) and "token" in pattern.pattern.regex.groupindex:
            yield f"{namespace}{pattern.name}", set(pattern.pattern.regex.groupindex)


ROUTES = dict(token_routes(get_resolver().url_patterns))


def path_to(name: str, token: str) -> str:
    others = {group: OTHER_PARTS[group] for group in ROUTES[name] - {"token"}}
    return reverse(name, kwargs={"token": token, **others})


def test_the_router_tells_of_all_of_them() -> None:
    assert set(ROUTES) >= {
        "subscribers:confirm",
        "subscribers:refuse",
        "subscribers:preferences",
        "subscribers:change_address",
        "subscribers:export",
        "subscribers:erase",
        "subscribers:confirm_address",
        "subscribers:unsubscribe",
        "digest:read",
        "digest:vote",
        "digest:save",
        "digest:saved_feed",
    }


@pytest.mark.parametrize("method", ["get", "head", "post", "options"])
@pytest.mark.parametrize("name", sorted(ROUTES))
def test_a_page_behind_a_token_is_kept_by_nobody_and_named_to_nobody(
    client: Client, name: str, method: str
) -> None:
    page = getattr(client, method)(path_to(name, UNKNOWN))

    assert page.status_code in {200, 302, 404, 405}
    assert "no-store" in page["Cache-Control"]
    if method != "options":
        assert (page["Referrer-Policy"], page["X-Robots-Tag"]) == (
            "no-referrer",
            "noindex, nofollow",
        )
    assert dict(page.cookies) == {}


# --- a link that was damaged on its way ----------------------------------------------------
def links_of_all_kinds() -> dict[str, str]:
    """The paths of working links, by the template each one shows."""
    now = timezone.now()
    pending = make_reader(state=Subscriber.State.PENDING, confirmed_at=None)
    moving, reader = make_reader(), make_reader()
    address_change.start(moving, addresses.parse("new@dest.example"), now)
    moved = address_change.link_for(Letter.objects.get(subscriber=moving), now)
    assert moved is not None
    digest = sent_digest(reader=reader)
    monthly = links.monthly(reader.pk, now)

    def issued(purpose: Link.Purpose) -> str:
        return urlsplit(links.issue(pending, purpose, timedelta(hours=1), now)).path

    return {
        "subscribers/confirm.html": issued(Link.Purpose.CONFIRM),
        "subscribers/refuse.html": issued(Link.Purpose.REFUSE),
        "subscribers/confirm_address.html": urlsplit(moved).path,
        "subscribers/preferences.html": f"/p/{monthly.preferences}",
        "subscribers/unsubscribe.html": urlsplit(links.unsubscribe_url(reader.pk)).path,
        "digest/readers/read.html": f"/d/{monthly.read}/{edition_of(digest).date}",
        "digest/readers/vote.html": f"/v/{monthly.vote}/{digest.paper_ids[0]}",
    }


@pytest.mark.parametrize("added", ["/", ">", "=3D", "%3E", "%3D", ".", ")"])
def test_characters_a_mail_program_adds_to_a_link_do_no_harm_on_any_page(
    client: Client, added: str
) -> None:
    for template, path in links_of_all_kinds().items():
        page = client.get(path + added)

        assert (page.status_code, page.templates[0].name) == (200, template)


def test_a_truncated_link_is_a_page_that_helps_everywhere(client: Client) -> None:
    for template, path in links_of_all_kinds().items():
        token = path.split("/")[2]
        assert client.get(path).templates[0].name == template

        page = client.get(path.replace(token, token[:-3]))

        assert (page.status_code, page.templates[0].name) == (404, "subscribers/bad_link.html")
        assert 'href="/signup/"' in page.content.decode()


def test_a_token_of_one_page_opens_no_other(client: Client) -> None:
    working = links_of_all_kinds()
    tokens = {path.split("/")[1]: path.split("/")[2] for path in working.values()}

    for path in working.values():
        letter, token = path.split("/")[1:3]
        for other in set(tokens) - {letter}:
            answer = client.get(path.replace(token, tokens[other]))
            assert answer.status_code == 404, f"a token of /{other}/ opened /{letter}/"


# --- where they lead -----------------------------------------------------------------------
@pytest.mark.parametrize(
    "added", ["%0d%0aSet-Cookie:%20a=b", "%0aLocation:%20//evil.example", "%5c%5cevil.example"]
)
@pytest.mark.parametrize(
    "posted", [{"page": "leave"}, {"w": "more"}, {"link": "1"}, {"next": "//e"}]
)
def test_a_press_leads_to_our_own_pages_whatever_the_address_holds(
    client: Client, posted: dict[str, str], added: str
) -> None:
    for path in links_of_all_kinds().values():
        answer = client.post(path + added, posted)

        location = answer.get("Location", "/")
        assert re.match(r"/(?![/\\])", location)
        assert not re.search(r"[\r\n\\]", location)
        assert dict(answer.cookies) == {}


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "//evil.example/", "/\\evil.example", "/https://evil.example", "/%5c"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_address_of_another_site_is_none_of_ours(client: Client, path: str, method: str) -> None:
    answer = getattr(client, method)("/", PATH_INFO=path)  # a test client would follow "//"

    assert (answer.status_code, answer.has_header("Location")) == (404, False)
