"""While the database is down, every page says 503 and when to try again; the log gets one line."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from subscribers.forms import opened_now
from tests.outage import no_database

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("default::anymail.exceptions.AnymailWarning"),
]
TOKEN = "aaaaaaaaaaaaaaaaaaaaaa"
PAGES = [
    ("GET", "/today"),
    ("GET", "/archive"),
    ("GET", "/topics"),
    ("GET", "/search?q=sparse"),
    ("GET", "/papers/1/"),
    ("GET", "/feed.atom"),
    ("GET", "/sitemap.xml"),
    ("GET", f"/p/{TOKEN}"),
    ("GET", f"/c/{TOKEN}"),
    ("POST", f"/c/{TOKEN}"),
    ("GET", f"/u/{TOKEN}"),
    ("POST", f"/u/{TOKEN}"),
    ("GET", f"/v/{TOKEN}/1"),
    ("GET", f"/d/{TOKEN}/2026-11-23"),
    ("GET", f"/k/{'a' * 32}/1"),
    ("POST", "/signup/"),
    ("POST", "/admin/login/"),
    ("GET", "/admin/"),
]


@pytest.mark.parametrize(("method", "path"), PAGES, ids=lambda value: str(value)[:12])
def test_a_page_without_a_database_is_unavailable(
    client: Client, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.raise_request_exception = False
    # As after a login, so that the admin looks the session up.
    client.cookies["sessionid"] = "a" * 32
    data = {"email": "reader@dest.example", "username": "ada", "password": "b", "zone": "UTC"}
    data["opened"] = opened_now(least=timedelta(0))

    with no_database():
        answer = client.generic(method, path, urlencode(data).encode(), _FORM, secure=True)

    assert (answer.status_code, answer.get("Retry-After")) == (503, "30")
    assert "Please try again soon." in answer.content.decode()
    lines = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert len(lines) == 1
    assert lines[0].startswith("The database cannot be used: OperationalError")
    assert (TOKEN in caplog.text, "dest.example" in caplog.text) == (False, False)


_FORM = "application/x-www-form-urlencoded"


def test_a_program_is_told_in_json(client: Client) -> None:
    client.raise_request_exception = False
    asked = {"email": "reader@dest.example", "zone": "UTC"}

    with no_database():
        answer = client.post("/api/signup", asked, "application/json", secure=True)

    assert (answer.status_code, answer.get("Retry-After")) == (503, "30")
    assert list(answer.json()) == ["error"]


def test_a_webhook_is_told_to_come_again(client: Client) -> None:
    client.raise_request_exception = False
    body = '{"RecordType": "Bounce", "ID": 1, "Email": "a@dest.example", "MessageID": "1"}'
    authorization = {"Authorization": "Basic dXNlcjpwYXNz"}

    with no_database():
        answer = client.post(
            "/webhooks/postmark/tracking/", body, "application/json", headers=authorization
        )

    # Without its secret it is refused before the database is asked.
    assert answer.status_code in {400, 503}


def test_it_works_again_at_once(client: Client) -> None:
    client.raise_request_exception = False
    with no_database():
        assert client.get("/today?a", secure=True).status_code == 503

    assert client.get("/today?b", secure=True).status_code == 200
