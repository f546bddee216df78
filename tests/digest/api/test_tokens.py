"""Who may call the API: by a good token in its header, within its scopes and its rate."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest.models import AuditEntry, Scope, Token
from tests.digest.api.tokens import Caller, make_token
from tests.factories import make_reader, make_topic

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


def test_only_a_good_token_in_its_header_opens_anything(client: Client) -> None:
    now = timezone.now()
    _, good = make_token()
    _, revoked = make_token(revoked_at=now)
    _, expired = make_token(expires_at=now - timedelta(seconds=1))
    headers = ["", "Bearer", f"Basic {good}", f"Bearer {good}x", f"Bearer {revoked}"]
    headers += [f"Bearer {expired}", good, f"Bearer {'x' * 5000}", "Bearer \x00"]

    for header in headers:
        answer = client.get("/api/v1/topics", headers={"Authorization": header})
        assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM), header
        assert answer["WWW-Authenticate"] == "Bearer"
    assert client.get(f"/api/v1/topics?token={good}").status_code == 401
    assert client.get("/api/v1/topics", headers={"Authorization": f"Bearer {good}"}).json()
    client.force_login(User.objects.create_superuser("ada"))
    assert client.get("/api/v1/topics").status_code == 401, "a cookie opens nothing"


def test_a_scope_opens_only_its_own() -> None:
    reader, topic = make_reader(email="ada@dest.example"), make_topic()
    paths = {
        "subscribers": Scope.READ_SUBSCRIBERS,
        f"subscribers/{reader.pk}": Scope.READ_SUBSCRIBERS,
        "topics": Scope.READ_TOPICS,
        f"topics/{topic.slug}": Scope.READ_TOPICS,
        "editions": Scope.READ_EDITIONS,
        "digests": Scope.READ_DIGESTS,
        "events": Scope.READ_EVENTS,
    }
    for scope in Scope:
        call = Caller(scope)
        opened = {path for path in paths if call("GET", path).status_code == 200}
        assert opened == {path for path, needed in paths.items() if needed is scope}
        assert call("DELETE", f"subscribers/{reader.pk + 1}").status_code == (
            404 if scope is Scope.WRITE_SUBSCRIBERS else 403
        )
        assert call("PATCH", "topics/none", {}).status_code == (
            404 if scope is Scope.WRITE_TOPICS else 403
        )
    refused = Caller(Scope.READ_TOPICS)("GET", "subscribers")
    assert "read:subscribers" in refused.json()["detail"]


def test_addresses_need_a_scope_of_their_own() -> None:
    make_reader(email="ada@dest.example")
    masked, full = Caller(Scope.READ_SUBSCRIBERS), Caller()

    assert [one["email"] for one in masked.all("subscribers")] == ["a***@dest.example"]
    assert [one["email"] for one in full.all("subscribers")] == ["ada@dest.example"]
    assert len(full.all("subscribers?email=ADA@dest.example")) == 1
    assert full.all("subscribers?email=bo@dest.example") == []
    assert masked("GET", "subscribers?email=ada@dest.example").status_code == 403


def test_the_rate_is_counted_for_each_token(settings: Settings) -> None:
    settings.API_PER_MINUTE = 3
    one, other = Caller(), Caller()

    assert [one("GET", "topics").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = one("GET", "topics")
    assert (refused["Retry-After"], refused["Content-Type"]) == ("60", PROBLEM)
    assert other("GET", "topics").status_code == 200


def test_its_use_is_noted_and_its_key_is_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    call = Caller()
    call("GET", "topics")
    call("PUT", "topics/new", {"name": "New", "description": "About it."})

    token = Token.objects.get()
    assert token.last_used_at is not None
    assert call.key not in caplog.text
    assert call.key not in str(Token.objects.values()) + str(AuditEntry.objects.values())
    assert AuditEntry.objects.get().by_name == f"? (token {token.pk})"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", "nothing", 404), ("GET", "topics/none", 404), ("PUT", "topics", 405)),
        *(("GET", "editions/2026-02-30", 422), ("GET", "subscribers/0", 422)),
        *(("GET", f"subscribers/{2**63}", 422), ("GET", "topics?limit=0", 422)),
        *(("GET", "topics?cursor=nonsense", 422), ("GET", "subscribers?state=happy", 422)),
        *(("GET", "topics?cursor=WzFd%00", 422), ("GET", "topics/%00", 422)),
        *(("GET", "digests?cursor=WzAsMSwieCJd", 422), ("POST", "docs", 405)),
    ],
)
def test_errors_are_problems_that_say_what_to_do(method: str, path: str, status: int) -> None:
    answer = Caller()(method, path)

    said = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
    assert said["status"] == status
    assert said["detail"]
    assert bool(said["errors"]) == (status == 422)


def test_the_document_and_its_page_need_no_token(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    page = client.get("/api/v1/docs").content.decode()

    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in methods.values():
            assert operation["x-scopes"]
            assert operation["security"] == [{"Bearer": []}]
    assert "<script" not in page
    assert client.get("/api/v1").status_code == 200
