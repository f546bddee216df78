"""The first owner makes their account by a link from the server, which works once."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest.models import AuditEntry, Invitation
from tests.digest.desk.access.people import user_of

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough one"
FORM = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD}


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says: the path of its link, or "" if it prints none."""
    call_command("invite_owner", *arguments)
    found = re.search(r"https?://[^/\s]+(/\S+)", capsys.readouterr().out)
    return found[1] if found else ""


def test_the_link_makes_one_owner_who_goes_on_to_a_second_factor(
    client: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SECOND_FACTOR_FOR = ["owner"]
    link = printed(capsys)

    shown = client.get(link)
    assert (shown.status_code, shown["Referrer-Policy"]) == (200, "no-referrer")
    assert "no-store" in shown["Cache-Control"]
    assert (User.objects.count(), Invitation.objects.get().used_at) == (0, None)
    # As a browser does on a page without a referrer.
    browser = Client(enforce_csrf_checks=True, headers={"Origin": "null"})
    made = browser.post(link, FORM)

    assert (made.status_code, made["Location"]) == (302, "/admin/account/")
    ada = User.objects.get()
    assert (ada.username, ada.is_superuser, ada.is_staff) == ("ada", True, True)
    # Nothing else can be seen until the second factor is there.
    assert browser.get("/admin/")["Location"] == "/admin/account/"
    assert [entry.act for entry in AuditEntry.objects.order_by("pk")] == [
        *("invitation.add", "invitation.use", "session.begin"),
    ]
    other = Client()
    assert (
        other.get(link).status_code,
        other.post(link, FORM | {"username": "eve"}).status_code,
    ) == (*(404, 404),)
    assert User.objects.count() == 1


def test_what_is_stored_of_a_link_opens_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    link = printed(capsys)
    stored = Invitation.objects.get().token_hash

    assert stored not in link
    assert Client().get(f"/admin/welcome/{stored}/").status_code == 404


def test_a_link_that_has_expired_was_replaced_or_never_was_is_answered_alike(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    replaced, link = printed(capsys), printed(capsys)
    never = client.post("/admin/welcome/abc/", FORM)
    assert client.post(replaced, FORM).status_code == 404
    assert client.get(link).status_code == 200

    Invitation.objects.update(expires_at=timezone.now())

    expired = client.post(link, FORM)
    assert (expired.status_code, expired.content) == (404, never.content)
    assert not User.objects.exists()


def test_a_mistake_does_not_use_the_link_up(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    user_of("viewer", "Eve")
    link = printed(capsys)

    for wrong in (
        {"password2": "another"},
        {"username": "eve"},
        {"password1": "x", "password2": "x"},
    ):
        assert client.post(link, FORM | wrong).status_code == 200
    assert User.objects.count() == 1

    assert client.post(link, FORM).status_code == 302


def test_a_first_start_prints_a_link_only_while_nobody_owns_the_site(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    user_of("operator", "olga")
    call_command("invite_owner", "--if-needed", "--in-words")  # where a log would keep it
    assert "manage.py invite_owner" in capsys.readouterr().out
    assert not Invitation.objects.exists()
    link = printed(capsys, "--if-needed")
    assert link != ""
    assert printed(capsys, "--if-needed") == ""  # a second start prints none while that one works

    client.post(link, FORM)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert printed(capsys, "--if-needed") == ""
        User.objects.filter(is_superuser=True).update(is_active=False)
        assert printed(capsys, "--if-needed") != ""
