"""Every public URL answers forty nasty values, in any place and by any method, without a 500.

So do the JSON endpoint and the webhooks of every mail service. An answer may take two seconds of
CPU at most.
"""

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone
from pytest_django import Settings

from subscribers import links
from subscribers.models import Link, Subscriber
from tests.digest.sent import sent_digest
from tests.factories import make_reader
from tests.fuzz.nasty import IS_LONG, VALUES, escaped

pytestmark = [
    pytest.mark.django_db,
    # anymail warns of what it does not support, with every request.
    pytest.mark.filterwarnings("default::anymail.exceptions.AnymailWarning"),
]

SECONDS = 2.0
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# The fields of all forms and queries.
FIELDS = (
    *("email", "topics", "zone", "language", "opened", "altcha", "next", "page", "q", "order"),
    *("hour", "keywords", "terms", "length", "frequency", "paused_until", "weekday", "value"),
    *("reason", "library", "spelling", "p", "w", "was", "known", "of", "bad", "saved"),
    *("author", "topic", "source", "from", "until", "code", "year"),
    *("add", "papers", "note", "back", "feed", "to"),
)
HEADERS = (
    *("ACCEPT_LANGUAGE", "HOST", "X_FORWARDED_FOR", "COOKIE", "IF_MODIFIED_SINCE", "REFERER"),
    *("IF_NONE_MATCH", "ORIGIN", "RANGE", "ACCEPT"),
)
CONTENT_TYPES = (
    *("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=zip"),
    *("multipart/form-data", "multipart/form-data; boundary=\x00", "application/json; charset=zip"),
    *("application/json", "text/plain", "nonsense", ""),
)
BODIES = (
    *(b"", b"{", b"[]", b"null", b"1", b'"text"', b"[[[]]]", b'{"email": {"a": 1}}', b"\xff\xfe"),
    *(b'[{"a": 1}]', b'{"email": "a\\u0000@dest.example"}', b"{}" * 10, b"[" * 5_000),
    *(b"--\r\n", b"email=%00", b"email=\xff", b"&" * 3_000, b'{"topics": "\\ud800"}', b"NaN"),
    b'{"timestamp": 1e400, "event": "bounce", "signature": 1, "event-data": []}',
    *(b"[[]]", b"[5]", b"[" * 100_000, b'{"event": 5}', b'{"data": null}', b'{"msys": 5}'),
    b'[{"event": "bounce", "timestamp": 1e30}]',
    b'{"event":"bounce","date":"10000-01-01"}',
    b'{"RecordType":"Bounce","BouncedAt":"x"}',
    b'{"event-data": {"event": "failed", "timestamp": 99999999999999}}',
)
SECRET = "user:a-long-secret"
WEBHOOKS = [
    f"/webhooks/{one.pattern}".replace("^mailgun/inbound(_mime)?/$", "mailgun/inbound/")
    for one in get_resolver("anymail.urls").url_patterns
]


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """The pattern of each public URL, as a regular expression."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            if not route.startswith(("admin", "webhooks")):
                yield from patterns(pattern, route)
        else:
            yield route


PATTERNS = sorted({"admin/login/", *patterns(get_resolver())})


def urls_of(pattern: str, value: str, known: dict[str, str]) -> Iterator[str]:
    """The URLs of a pattern: once with what exists, and once with `value` in each open place."""
    template = re.sub(r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^]]*\]|\([^()]*\))*\)", r"<\1>", pattern)
    template = re.sub(r"\(\?:[^()]*(?:\([^()]*\)[^()]*)*\)\??|[?$]|\[\^[^]]*\]\*", "", template)
    template = template.replace("\\.", ".").replace("\\", "")
    places = re.findall(r"<(?:\w+:)?(\w+)>", template)
    for nasty in [None, *dict.fromkeys(places)]:
        filled = {**known, **({nasty: escaped(value)} if nasty else {})}
        yield "/" + "".join(
            filled.get(part, "1") if number % 2 else part
            for number, part in enumerate(re.split(r"<(?:\w+:)?(\w+)>", template))
        )


@pytest.fixture
def known() -> dict[str, str]:
    """What exists, by the name of its place in URLs."""
    reader = make_reader()
    digest = sent_digest(reader=reader)
    now = timezone.now()
    fresh = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, now)
    return {
        "token": fresh.rpartition("/")[2],
        "day": f"{digest.local_date}",
        "pk": str(digest.paper_ids[0]),
        "paper_id": str(digest.paper_ids[0]),
        "slug": "slug",
        "uuid": digest.uuid.hex,
        "section": "papers",
        "name": "Ada Example",
        "form": "bib",
    }


@pytest.fixture(autouse=True)
def _uncapped(settings: Settings) -> None:
    """What is over a cap is refused before anything looks at it."""
    settings.SIGNUPS_PER_NETWORK = 1_000_000


class Visitor:
    """A client that notes which answers were a 500, and which took too long."""

    def __init__(self) -> None:
        self._client = Client(raise_request_exception=False)
        self.wrong: list[tuple[Any, ...]] = []

    def ask(self, method: str, path: str, **fields: Any) -> None:
        before = time.thread_time()
        try:
            answer = self._client.generic(method, path, **fields)
        except UnicodeError:  # the test client itself cannot send it
            return
        if answer.status_code >= 500 and answer.status_code != 503:
            self.wrong.append((answer.status_code, method, path, fields))
        if time.thread_time() - before > SECONDS:
            self.wrong.append(("slow", method, path, fields))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_url_takes_any_value(pattern: str, known: dict[str, str]) -> None:
    visitor = Visitor()

    for number, value in enumerate(VALUES):
        fields = "&".join(f"{field}={escaped(value)}" for field in FIELDS)
        header = f"HTTP_{HEADERS[number % len(HEADERS)]}"
        for place, url in enumerate(urls_of(pattern, value, known)):
            for method in METHODS if IS_LONG else ("GET", "POST")[: 1 if place else 2]:
                visitor.ask(
                    method,
                    url,
                    data=b"" if method in {"GET", "HEAD"} else fields.encode(),
                    content_type="application/x-www-form-urlencoded",
                    QUERY_STRING=fields,
                    **{header: value.encode("latin-1", "ignore").decode("latin-1")},
                )
        said = json.dumps(dict.fromkeys(FIELDS, value)).encode()
        visitor.ask("POST", url, data=said, content_type="application/json")

    assert visitor.wrong == []
    assert Subscriber.objects.count() <= 1 or "api" not in pattern


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_url_takes_any_method_and_body(pattern: str, known: dict[str, str]) -> None:
    visitor = Visitor()
    url = next(urls_of(pattern, "", known))

    for method in METHODS:
        visitor.ask(method, url)
    for content_type in CONTENT_TYPES:
        for body in BODIES if IS_LONG else BODIES[:: len(BODIES) // 5]:
            visitor.ask("POST", url, data=body, content_type=content_type)

    assert visitor.wrong == []


@pytest.mark.parametrize("body", BODIES)
def test_the_json_endpoint_takes_any_body(body: bytes) -> None:
    visitor = Visitor()

    for content_type in CONTENT_TYPES:
        visitor.ask("POST", "/api/signup", data=body, content_type=content_type)

    assert visitor.wrong == []


@pytest.mark.parametrize("field", FIELDS)
def test_the_json_endpoint_takes_any_value(field: str) -> None:
    visitor = Visitor()
    odd: list[Any] = [*VALUES, None, True, 1e300, -1, 10**30, [], {}, [[]], [{}], ["a"] * 10_000]

    for value in odd:
        body = json.dumps({"email": "ada@dest.example", field: value})
        visitor.ask("POST", "/api/signup", data=body.encode(), content_type="application/json")

    assert visitor.wrong == []


@pytest.mark.parametrize("path", WEBHOOKS)
def test_a_webhook_takes_any_body(path: str, settings: Settings) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": SECRET}
    right = f"Basic {b64encode(SECRET.encode()).decode()}"
    visitor = Visitor()

    for method in METHODS:
        visitor.ask(method, path)
    for secret in (right, "", "Basic bm9ib2R5OngK", "Basic \x00", "Basic //4=", "nonsense"):
        # Who does not know the secret gets no further than that.
        is_brief = secret != right and not IS_LONG
        for body in BODIES[::5] if is_brief else BODIES:
            for content_type in CONTENT_TYPES[4:7] if is_brief else CONTENT_TYPES:
                visitor.ask(
                    "POST", path, data=body, content_type=content_type, HTTP_AUTHORIZATION=secret
                )

    assert visitor.wrong == []
