"""Who may open which page of the admin, and who may post to it: all of them, by one table."""

from copy import copy
from itertools import pairwise

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management.sql import emit_post_migrate_signal
from django.db import transaction
from django.test import Client

from digest.admin.edition_acts import ACTS
from digest.desk.access import roles
from digest.desk.people.acts import ACTS as PERSON_ACTS
from tests.digest.desk.access import pages
from tests.digest.desk.access.pages import ANYBODY, NOBODY, NONE, Scene
from tests.digest.desk.access.people import browser_of, user_of

pytestmark = pytest.mark.django_db
ORDER = (ANYBODY, *roles.ROLES, NOBODY)


def test_every_page_is_in_the_table() -> None:
    assert [name for name in pages.names() if not pages.is_known(name)] == []


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr("celery.app.task.Task.apply_async", lambda *_, **__: None)
    monkeypatch.setattr("digest.desk.doctor.examining.examine", lambda *_: [])
    return pages.make_scene()


def answer(client: Client, scene: Scene, name: str, method: str) -> str:
    """What becomes of the request: "ok", "refused", "login" or "none". Nothing of it is kept."""
    body = pages.BODIES.get(name, {}) if method == "POST" else {}
    cookies = copy(client.cookies)
    with transaction.atomic():
        got = getattr(client, method.lower())(scene.url(name), body)
        client.cookies = cookies  # it may have been logged out
        transaction.set_rollback(True)
    if got.status_code == 405:
        return "none"
    if got.status_code == 403:
        return "refused"
    assert got.status_code < 500, (name, method, got.status_code)
    return "login" if got.headers.get("Location", "").startswith("/admin/login/") else "ok"


@pytest.mark.parametrize("role", ["anonymous", *ORDER[:-1]], ids=lambda role: role or "no role")
def test_every_page_opens_for_its_roles_and_for_no_other(role: str, scene: Scene) -> None:
    client = Client() if role == "anonymous" else browser_of(user_of(role))
    wrong = {}
    for name in filter(pages.is_known, sorted(set(pages.names()) - pages.OPEN)):
        for method, first in zip(("GET", "POST"), pages.allowed(name), strict=True):
            if role == "anonymous":
                expected = {"login", "none", "ok"} if name == "logout" else {"login"}
            elif first == NONE:
                expected = {"none"} if role in {roles.OWNER} else {"none", "refused"}
            elif ORDER.index(role) >= ORDER.index(first):
                # Whoever may do it with the least role may do it with more.
                if role != first and method == "GET":
                    continue
                expected = {"ok"}
            else:
                expected = {"refused"}
            got = answer(client, scene, name, method)
            if got not in expected:
                wrong[f"{method} {name}"] = got

    assert wrong == {}


# --- the roles themselves ------------------------------------------------------------------
def test_each_permission_is_in_the_table_once() -> None:
    names = [name for role in roles.ROLES for name in roles.MAY[role]]
    assert len(names) == len(set(names))


def test_each_role_includes_the_one_before_and_no_group_has_more_than_the_table() -> None:
    sets = [roles.of_role(role) for role in roles.ROLES]
    assert all(one < other for one, other in pairwise(sets))

    for role in roles.ROLES:
        assert user_of(role).get_all_permissions() == roles.of_role(role)


def test_whatever_we_permit_is_somebodys() -> None:
    """Django adds add, change and delete for each table. The others have been thought of."""
    ours = Permission.objects.filter(content_type__app_label__in=["digest", "subscribers"])
    by_default = ("add_", "change_", "delete_", "view_")
    custom = {
        f"{one.content_type.app_label}.{one.codename}"
        for one in ours.select_related("content_type")
        if not one.codename.startswith(by_default) or one.codename == "view_addresses"
    }
    of_acts = {act.permission for act in ACTS.values()}
    of_acts |= {act.permission for act in PERSON_ACTS.values()}

    assert {name for name in custom | of_acts if not roles.least_for(name)} == set()


def test_a_new_permission_is_granted_by_the_next_migration() -> None:
    roles.apply()
    Group.objects.get(name="editor").permissions.clear()
    emit_post_migrate_signal(0, False, "default")

    assert user_of("editor").has_perm("digest.change_edition")


def test_an_owner_makes_nobody_a_superuser() -> None:
    root = User.objects.create_superuser("root")
    owner = browser_of(user_of("owner"))
    bob = user_of("viewer", "bob")
    fields = {"username": "bob", "role": "operator", "is_active": "on", "is_superuser": "on"}
    fields |= {"user_permissions": str(Permission.objects.earliest("pk").pk)}

    owner.post(f"/admin/auth/user/{bob.pk}/change/", fields)
    of_root = owner.post(f"/admin/auth/user/{root.pk}/change/", {"username": "mine"})
    password = {"password1": "an easy guess", "password2": "an easy guess"}
    takes_over = owner.post(f"/admin/auth/user/{root.pk}/password/", password)

    bob = User.objects.get(pk=bob.pk)
    assert (bob.is_superuser, bob.user_permissions.count()) == (False, 0)
    assert [group.name for group in bob.groups.all()] == ["operator"]
    assert (of_root.status_code, takes_over.status_code) == (403, 403)
