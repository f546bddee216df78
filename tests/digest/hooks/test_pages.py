"""The admin's pages of tokens and webhooks: secrets are shown once, to those who may have them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest.desk.access import roles
from digest.desk.today import attention, standing
from digest.hooks import calling, signing
from digest.models import AuditEntry, Call, Endpoint, Kind, Notice, Token
from tests.fake_service import Answer, FakeService, running

pytestmark = pytest.mark.django_db(transaction=True)
NEW_TOKEN = {"name": "A CRM", "scopes": ["read:topics"]}
NEW_ENDPOINT = {
    "name": "A CRM",
    "url": "https://crm.dest.example/hook",
    "kinds": [Kind.CLOSED.value, Kind.HELD.value],
    "is_on": "on",
}


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content
    return str(answer.content.decode())


def secret_in(page: str) -> str:
    (found,) = re.findall(r'<code class="secret">(.+?)</code>', page)
    return str(found)


def acts() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))


def test_a_token_is_shown_once_works_and_is_revoked_for_good(admin_client: Client) -> None:
    page = text(admin_client.post("/admin/digest/token/add/", NEW_TOKEN))
    key, token = secret_in(page), Token.objects.get()
    header = {"Authorization": f"Bearer {key}"}
    pages = [f"/admin/digest/token/{token.pk}/change/", "/admin/digest/token/"]
    api = Client(headers=header)

    assert api.get("/api/v1/topics").status_code == 200
    assert api.get("/api/v1/events").status_code == 403
    assert not any(key in text(admin_client.get(path)) for path in pages)
    assert text(admin_client.get(pages[0])).count("Revoke") > 0
    for _ in range(2):
        revoked = admin_client.post(f"/admin/digest/token/{token.pk}/revoke/")
        assert revoked.status_code == 302
    assert api.get("/api/v1/topics").status_code == 401
    assert "revoked on" in text(admin_client.get(pages[0]))
    assert admin_client.get(f"/admin/digest/token/{token.pk}/revoke/").status_code == 405
    assert acts() == ["token.add", "token.revoke", "token.revoke"]


def test_an_endpoint_s_secrets_sign_and_are_shown_once(admin_client: Client) -> None:
    first = secret_in(text(admin_client.post("/admin/digest/endpoint/add/", NEW_ENDPOINT)))
    endpoint = Endpoint.objects.get()
    assert first == signing.secret(endpoint.salt)
    second = secret_in(text(admin_client.post(f"/admin/digest/endpoint/{endpoint.pk}/secret/")))
    endpoint.refresh_from_db()
    assert (signing.secret(endpoint.former_salt), signing.secret(endpoint.salt)) == (first, second)
    change = text(admin_client.get(f"/admin/digest/endpoint/{endpoint.pk}/change/"))
    stored = str(list(Endpoint.objects.values()))

    assert not any(secret in change + stored for secret in (first, second))
    assert acts() == ["endpoint.add", "endpoint.new_secret"]


@pytest.mark.parametrize(
    "url", ["http://crm.dest.example/", "ftp://crm.dest.example/", "https://a:b@crm.dest.example/"]
)
def test_a_url_that_is_never_called_is_refused(admin_client: Client, url: str) -> None:
    text(admin_client.post("/admin/digest/endpoint/add/", {**NEW_ENDPOINT, "url": url}))

    assert not Endpoint.objects.exists()


def test_a_test_and_a_call_that_is_sent_again_go_out_and_their_answers_are_shown(
    admin_client: Client, settings: Settings
) -> None:
    settings.DEMO, settings.CELERY_TASK_ALWAYS_EAGER = True, False
    service = FakeService()
    service.on_send = lambda _: Answer(503, content=b"Closed for <b>lunch</b>")
    with running(service) as url:
        admin_client.post("/admin/digest/endpoint/add/", {**NEW_ENDPOINT, "url": f"{url}hook"})
        pk = Endpoint.objects.get().pk
        admin_client.post(f"/admin/digest/endpoint/{pk}/test/")
        calling.call_endpoint(pk, seconds=5)
        failed = text(admin_client.get(f"/admin/digest/call/{Call.objects.get().pk}/change/"))
        service.on_send = lambda _: Answer(204, content=b"")
        again = {"action": "send_again", "_selected_action": [Call.objects.get().pk]}
        admin_client.post("/admin/digest/call/", again)
        calling.call_endpoint(pk, seconds=5)

    assert "Closed for &lt;b&gt;lunch" in failed
    assert "delivered" in text(admin_client.get(f"/admin/digest/endpoint/{pk}/change/"))
    assert len(service.requests) == 2
    assert acts() == ["endpoint.add", "endpoint.test", "call.send_again"]


def test_today_says_which_webhook_fails_until_it_is_switched_on_again(
    admin_client: Client,
) -> None:
    admin_client.post("/admin/digest/endpoint/add/", NEW_ENDPOINT)
    long_ago = timezone.now() - timedelta(hours=2)
    Endpoint.objects.update(failing_since=long_ago)
    (failing,) = _troubles()
    Endpoint.objects.update(is_on=False, disabled_because="It has taken nothing.")
    (off,) = _troubles()
    pk = Endpoint.objects.get().pk
    admin_client.post(f"/admin/digest/endpoint/{pk}/change/", NEW_ENDPOINT)

    assert "has failed since" in failing
    assert "It has taken nothing." in off
    assert _troubles() == []
    Notice.note(Kind.CLOSED, {})
    deleting = f"/admin/digest/endpoint/{pk}/delete/"
    assert admin_client.post(deleting, {"post": "yes"}).status_code == 302
    assert not Call.objects.exists()


def _troubles() -> list[str]:
    found = attention.troubles(standing.look())
    return [one.words for one in found if one.key.startswith("webhook:")]


def test_each_role_does_what_it_may(client: Client) -> None:
    roles.apply()
    endpoint = Endpoint.objects.create(
        name="A CRM", url="https://crm.dest.example", kinds=Kind.values, salt=signing.new_salt()
    )
    Notice.note(Kind.CLOSED, {})
    allowed = {}
    for role in roles.ROLES:
        user = User.objects.create_user(role, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        asked = {
            "see tokens": client.get("/admin/digest/token/"),
            "make token": client.get("/admin/digest/token/add/"),
            "see endpoint": client.get(f"/admin/digest/endpoint/{endpoint.pk}/change/"),
            "rotate": client.post(f"/admin/digest/endpoint/{endpoint.pk}/secret/"),
            "test": client.post(f"/admin/digest/endpoint/{endpoint.pk}/test/"),
            "see calls": client.get("/admin/digest/call/"),
            "send again": client.post("/admin/digest/call/", {"action": "send_again"}),
        }
        allowed[role] = {what for what, answer in asked.items() if answer.status_code != 403}

    assert allowed["viewer"] == allowed["editor"] == set()
    assert allowed["operator"] == {"see endpoint", "see calls", "send again"}
    assert allowed["owner"] == set(asked)


def test_nobody_gives_a_program_what_they_may_not_see(client: Client) -> None:
    user = User.objects.create_user("bo", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["add_token", "add_endpoint", "view_token"])
    )
    client.force_login(user)
    scopes = {**NEW_TOKEN, "scopes": ["read:subscribers", "read:addresses"]}
    token = text(client.post("/admin/digest/token/add/", scopes))
    full = {**NEW_ENDPOINT, "includes_addresses": "on"}
    endpoint = text(client.post("/admin/digest/endpoint/add/", full))

    assert "may see addresses themselves" in token
    assert "may see addresses themselves" in endpoint
    assert not Token.objects.exists()
    assert not Endpoint.objects.exists()
