"""What each role may. This table is the only place that says so.

A role is a Django group of the same name. `apply` makes the groups after each migration, so what an
upgrade adds here is granted by it. Groups of other names are left alone: whoever wants another set
of permissions makes a group of their own. Superusers may do everything.

Seeing a page needs "view_…" permissions, which all roles have but for what is the owner's; whatever
changes something, sends something or shows an address needs one of the others.
"""

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

VIEWER, EDITOR, OPERATOR, OWNER = ROLES = ("viewer", "editor", "operator", "owner")
# What each adds to the one before.
WORDS: Mapping[str, Promise] = {
    VIEWER: gettext_lazy("sees everything but the addresses of readers"),
    EDITOR: gettext_lazy(
        "also steers editions: pins, drops, annotates, holds, approves; edits topics"
    ),
    OPERATOR: gettext_lazy(
        "also runs, holds and retries; test mails, imports, exports; readers and addresses"
    ),
    OWNER: gettext_lazy(
        "also users and their roles, tokens of the API, and from where operators acted"
    ),
}
# What each role may beyond the one before it.
MAY: Mapping[str, tuple[str, ...]] = {
    VIEWER: (
        "digest.view_digest",
        "digest.view_edition",
        "digest.view_event",
        "digest.view_hold",
        "digest.view_look",
        "digest.view_paper",
        "digest.preview_edition",
        "subscribers.view_consent",
        "subscribers.view_import",
        "subscribers.view_letter",
        "subscribers.view_subscriber",
        "subscribers.view_subscription",
        "subscribers.view_suppression",
        "subscribers.view_topic",
    ),
    EDITOR: (
        "digest.change_edition",
        "subscribers.add_topic",
        "subscribers.change_topic",
        "subscribers.delete_topic",
    ),
    OPERATOR: (
        "digest.run_edition",
        "digest.test_edition",
        "digest.add_hold",
        "digest.change_hold",
        "digest.view_auditentry",
        "digest.view_endpoint",
        "digest.view_call",
        "digest.change_call",
        "digest.view_attempt",
        "subscribers.view_addresses",
        "subscribers.import_readers",
        "subscribers.export_readers",
        "subscribers.change_subscriber",
        "subscribers.delete_subscriber",
        "subscribers.add_subscription",
        "subscribers.change_subscription",
        "subscribers.delete_subscription",
        "subscribers.add_suppression",
        "subscribers.delete_suppression",
    ),
    OWNER: (
        "digest.view_audit_networks",
        "digest.reset_second_factor",
        "digest.view_token",
        "digest.add_token",
        "digest.change_token",
        "digest.add_endpoint",
        "digest.change_endpoint",
        "digest.delete_endpoint",
        "auth.view_user",
        "auth.add_user",
        "auth.change_user",
        "auth.view_group",
    ),
}


def of_role(role: str) -> frozenset[str]:
    """All that a role may, with what the roles before it may."""
    number = ROLES.index(role) + 1
    return frozenset(name for one in ROLES[:number] for name in MAY[one])


def in_words(role: str) -> str:
    """What a role may, with what the roles before it may; "" for no role."""
    upto = ROLES[: ROLES.index(role) + 1] if role else ()
    return "; ".join(str(WORDS[one]) for one in upto)


def least_for(permission: str) -> str:
    """The first role that may do this; "" if only superusers may."""
    return next((role for role in ROLES if permission in MAY[role]), "")


def require(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied, which becomes a page, unless the operator may do this."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def apply() -> None:
    """Give each role's group exactly what the table says. Safe to repeat."""
    for role in ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(_rows(of_role(role)))


def reach_of(user: AbstractBaseUser | AnonymousUser) -> str:
    """The highest role of which a user may do anything, by whichever group; "" for none."""
    names = user.get_all_permissions()  # type: ignore[union-attr]  # all ours have it
    return next((role for role in reversed(ROLES) if not names.isdisjoint(MAY[role])), "")


def _rows(names: Iterable[str]) -> list[Permission]:
    wanted = Q(pk=None)
    for name in names:
        app, codename = name.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(wanted))
