"""What no page can use is refused at the edge, and a failure is logged without its path."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from anymail.signals import AnymailTrackingEvent
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from deploy.limits import most_bytes
from deploy.wsgi import application
from digest.models import Event
from digest.receivers import record_event
from subscribers import links
from subscribers.models import Link
from tests.factories import make_reader

pytestmark = [
    pytest.mark.django_db,
    # anymail warns of what it does not support, with every request.
    pytest.mark.filterwarnings("default::anymail.exceptions.AnymailWarning"),
]

TOKEN = "aaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture
def lenient(client: Client) -> Client:
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("charset", ["zip", "idna", "utf-16", "nonsense", "hex", "rot13"])
def test_a_character_set_that_is_none_is_a_bad_request(lenient: Client, charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    statuses: list[str] = []

    for path in ("/", "/signup/frame/", "/search", f"/c/{TOKEN}"):
        assert lenient.generic("POST", path, b"email=a", content_type=kind).status_code == 400
        # Django decodes the query before any middleware, so the whole application is asked.
        environ = RequestFactory()._base_environ(  # type: ignore[attr-defined]
            PATH_INFO=path, QUERY_STRING="q=a", CONTENT_TYPE=kind, SERVER_NAME="news.example.org"
        )
        application(environ, lambda status, _headers: statuses.append(status))

    assert statuses == ["400 Bad Request"] * 4


@pytest.mark.parametrize(
    "said", ["charset*=none''a", "boundary*=undefined''a", "a*=idna''%ff", "a*0*=x''b"]
)
@pytest.mark.django_db(transaction=True)
def test_a_parameter_in_a_character_set_that_is_none_is_a_bad_request(said: str) -> None:
    reader = make_reader()
    links.ensure([reader], timezone.now())
    out = links.unsubscribe_url(reader.pk).removeprefix("https://news.example.org")
    statuses: list[str] = []

    for path in ("/", "/search", "/api/signup", "/webhooks/postmark/inbound/", out):
        environ = RequestFactory()._base_environ(  # type: ignore[attr-defined]
            PATH_INFO=path,
            REQUEST_METHOD="POST",
            CONTENT_TYPE=f"multipart/form-data; boundary=b; {said}",
            SERVER_NAME="news.example.org",
        )
        application(environ, lambda status, _headers: statuses.append(status))

    reader.refresh_from_db()
    assert statuses == ["400 Bad Request"] * 4 + ["200 OK"]
    assert reader.state == "unsubscribed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("fields", "status"), [(1, "200 OK"), (2000, "400 Bad Request")])
def test_the_usual_character_set_is_fine(fields: int, status: str) -> None:
    statuses: list[str] = []
    environ = RequestFactory()._base_environ(  # type: ignore[attr-defined]
        PATH_INFO="/search",
        QUERY_STRING="&".join(["q=a"] * fields),
        CONTENT_TYPE="text/plain; charset=UTF-8",
        SERVER_NAME="news.example.org",
    )

    application(environ, lambda status, _headers: statuses.append(status))

    assert statuses == [status]


def test_a_reader_can_leave_whatever_the_body_says(client: Client) -> None:
    for kind in ("x; charset=zip", "multipart/form-data", "multipart/form-data; boundary=\xff"):
        reader = make_reader()
        links.ensure([reader], timezone.now())
        path = links.unsubscribe_url(reader.pk).removeprefix("https://news.example.org")

        answer = client.generic("POST", path, b"List-Unsubscribe=\0", content_type=kind)

        reader.refresh_from_db()
        assert (answer.status_code, reader.state) == (200, "unsubscribed")


@pytest.mark.parametrize(
    "path", ["/", "/signup/", "/signup/frame/", "/api/signup", "/admin/login/"]
)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/json", "x/y"])
def test_a_large_body_is_refused_before_it_is_read(client: Client, path: str, kind: str) -> None:
    class Unread:
        def read(self, *_: Any) -> bytes:
            raise AssertionError("it was read")

        readline = read

    environ = {
        "wsgi.input": Unread(),
        "CONTENT_LENGTH": str(most_bytes(path) + 1),
        "CONTENT_TYPE": kind,
    }
    answer = client.post(path, **environ)  # type: ignore[arg-type]  # typed as headers only

    assert answer.status_code == 413


def test_a_file_is_never_written_to_a_disk(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.NamedTemporaryFile", None)
    monkeypatch.setattr("django.core.files.uploadedfile.tempfile.NamedTemporaryFile", None)
    file = SimpleUploadedFile("library.bib", b"@article{a,\n" * 200_000)
    reader = make_reader()
    token = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, timezone.now())
    path = token.removeprefix("https://news.example.org")

    for way in ("/", "/signup/", f"{path}/papers", path):
        assert client.post(way, {"file": file, "library": "1"}).status_code < 500


# --- the admin -----------------------------------------------------------------------------
@pytest.mark.parametrize("cookie", [r'"\000"', r'"a\000b"', "\x00", "a" * 3000])
def test_a_session_that_is_no_text_is_none(lenient: Client, cookie: str) -> None:
    answer = lenient.get("/admin/", headers={"Cookie": f"sessionid={cookie}; messages={cookie}"})

    assert answer.status_code in {302, 400}


# --- webhooks ------------------------------------------------------------------------------
FAR = datetime.fromisoformat("9999-12-31T23:59:59-08:00")


@pytest.mark.parametrize(
    "at", [FAR, FAR.replace(tzinfo=None), datetime(1, 1, 1, tzinfo=UTC), "x", None]
)
@pytest.mark.parametrize("text", ["\0", "a\ud800", 5, ["x"], {"a": "\0"}, "b" * 5000])
def test_an_event_is_stored_so_that_the_admin_can_show_it(
    admin_client: Client, at: object, text: object
) -> None:
    event = AnymailTrackingEvent(
        event_type="bounced",
        timestamp=at,
        event_id=text,
        message_id=text,
        recipient=text,
        reject_reason="bounced",
        metadata=text,
        click_url=text,
        esp_event={},
    )

    record_event(event, "Postmark")

    assert abs((Event.objects.get().at - timezone.now()).total_seconds()) < 60
    assert admin_client.get("/admin/digest/event/").status_code == 200


# --- failures ------------------------------------------------------------------------------
def test_a_failure_is_logged_with_its_class_its_place_and_its_view_but_not_its_path(
    lenient: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"with {TOKEN}")

    monkeypatch.setattr("subscribers.links.find", fail)

    answer = lenient.get(f"/c/{TOKEN}?email=reader@dest.example")

    said = "\n".join(record.getMessage() for record in caplog.records)
    assert answer.status_code == 500
    assert "ZeroDivisionError at tests/deploy/test_guard.py:" in said
    assert "subscribers/views/confirm.py:" in said
    assert "in subscribers:confirm" in said
    assert (TOKEN in caplog.text, "dest.example" in caplog.text) == (False, False)


@pytest.mark.parametrize(
    ("value", "error"), [("x", "DataError"), ("\ud800", "UnicodeEncodeError"), ("\0", "DataError")]
)
def test_a_value_that_the_database_refuses_is_a_bad_request(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    error: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::text::timestamptz", [value])

    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("subscribers.links.find", refuse)

    assert client.get(f"/c/{TOKEN}").status_code == 400
    assert error in caplog.text
    assert TOKEN not in caplog.text
