"""Every page of the admin, with the first role that may open it, and that may post to it.

A new page has to be written down here: ``test_pages`` fails until it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from digest.desk.access.roles import EDITOR, OPERATOR, OWNER, VIEWER
from digest.models import AuditEntry, Call, Endpoint, Event, Hold, Look, Notice, Token
from subscribers.models import Consent, Letter, Suppression
from tests.factories import make_digest, make_edition, make_reader, make_topic

# Whoever is logged in; nobody with a role; and no such method.
ANYBODY, NOBODY, NONE = "", "nobody", "none"

# name: who may GET it, who may POST to it.
PAGES: dict[str, tuple[str, str]] = {
    "index": (ANYBODY, ANYBODY),
    "tables": (ANYBODY, ANYBODY),
    "app_list": (ANYBODY, ANYBODY),
    "release_hold": (NONE, OPERATOR),
    "look_now": (NONE, OPERATOR),
    "check_delivery": (OPERATOR, OPERATOR),
    "after_restore": (OPERATOR, OPERATOR),
    "people": (VIEWER, VIEWER),
    "person": (VIEWER, NONE),
    "person_act": (NONE, OPERATOR),
    "person_export": (NONE, OPERATOR),
    "imports": (VIEWER, NONE),
    "import_whole": (NONE, OPERATOR),
    "import_begin": (NONE, OPERATOR),
    "import_file": (VIEWER, NONE),
    "import_act": (NONE, OPERATOR),
    "import_piece": (NONE, OPERATOR),
    "import_complete": (NONE, OPERATOR),
    "import_rows": (VIEWER, NONE),
    "import_report": (VIEWER, NONE),
    "import_undo": (NONE, OPERATOR),
    "export_readers": (NONE, OPERATOR),
    "account": (ANYBODY, NONE),
    "confirm": (ANYBODY, ANYBODY),
    "add_app": (ANYBODY, ANYBODY),
    "add_passkey": (ANYBODY, ANYBODY),
    "renew_codes": (NONE, ANYBODY),
    "remove_factor": (NONE, ANYBODY),
    "sign_out_everywhere": (NONE, ANYBODY),
    "logout": (NONE, ANYBODY),
    "password_change": (ANYBODY, ANYBODY),
    "password_change_done": (ANYBODY, NONE),
    "jsi18n": (ANYBODY, NONE),
    "autocomplete": (NOBODY, NONE),
    "view_on_site": (ANYBODY, ANYBODY),
    "digest_digest_trial": (VIEWER, VIEWER),
    "digest_edition_desk": (VIEWER, NONE),
    "digest_edition_desk_of": (VIEWER, NONE),
    "digest_edition_act": (NONE, EDITOR),
    "digest_edition_preview": (VIEWER, NONE),
    "digest_edition_preview_find": (NONE, VIEWER),
    "digest_edition_preview_mail": (VIEWER, NONE),
    "digest_edition_preview_test": (NONE, OPERATOR),
    "subscribers_topic_preview": (EDITOR, EDITOR),
    "digest_token_revoke": (NONE, OWNER),
    "digest_endpoint_test": (NONE, OWNER),
    "digest_endpoint_secret": (NONE, OWNER),
    "auth_user_password_change": (OWNER, OWNER),
    "auth_user_reset": (NONE, OWNER),
}
# model: who may see its list and rows, add one, change one, delete one.
MODELS: dict[str, tuple[str, str, str, str]] = {
    "digest_auditentry": (OPERATOR, NOBODY, NOBODY, NOBODY),
    "digest_digest": (VIEWER, NOBODY, NOBODY, NOBODY),
    "digest_edition": (VIEWER, NOBODY, NOBODY, NOBODY),
    "digest_event": (VIEWER, NOBODY, NOBODY, NOBODY),
    "digest_hold": (VIEWER, OPERATOR, NOBODY, NOBODY),
    "digest_look": (VIEWER, NOBODY, NOBODY, NOBODY),
    "digest_paper": (VIEWER, NOBODY, NOBODY, NOBODY),
    "digest_call": (OPERATOR, NOBODY, NOBODY, NOBODY),
    "digest_token": (OWNER, OWNER, NOBODY, NOBODY),
    "digest_endpoint": (OPERATOR, OWNER, OWNER, OWNER),
    "subscribers_consent": (VIEWER, NOBODY, NOBODY, NOBODY),
    "subscribers_letter": (VIEWER, NOBODY, NOBODY, NOBODY),
    "subscribers_subscriber": (VIEWER, NOBODY, OPERATOR, OPERATOR),
    "subscribers_suppression": (VIEWER, OPERATOR, NOBODY, OPERATOR),
    "subscribers_topic": (VIEWER, EDITOR, EDITOR, EDITOR),
    "auth_user": (OWNER, OWNER, OWNER, NOBODY),
    "auth_group": (OWNER, NOBODY, NOBODY, NOBODY),
}
# Pages of the login are there for everybody, and what is under no name answers 404.
OPEN = {"login", "second_step", "welcome"}
# What has to be posted for the permission to matter.
BODIES: dict[str, dict[str, Any]] = {
    "digest_edition_act": {"act": "hold"},
    "person_act": {"act": "suppress"},
    "import_act": {"act": "cancel"},
}


def names() -> Iterator[str]:
    """The names of all pages under /admin/."""
    for pattern in get_resolver().url_patterns:
        if str(pattern.pattern).startswith("admin/"):
            yield from _names(pattern)


def _names(pattern: URLPattern | URLResolver) -> Iterator[str]:
    if isinstance(pattern, URLResolver):
        for one in pattern.url_patterns:
            yield from _names(one)
    elif pattern.name:
        yield pattern.name


_KINDS = {"changelist", "add", "change", "delete", "history"}


def is_known(name: str) -> bool:
    model, _, kind = name.rpartition("_")
    return name in OPEN or name in PAGES or (model in MODELS and kind in _KINDS)


def allowed(name: str) -> tuple[str, str]:
    """The first roles that may GET the page and POST to it. Raises KeyError for an unknown one."""
    if name in PAGES:
        return PAGES[name]
    model, _, kind = name.rpartition("_")
    sees, adds, changes, deletes = MODELS[model]
    return {
        "changelist": (sees, sees),
        "add": (adds, adds),
        "change": (sees, changes),
        "delete": (deletes, deletes),
        "history": (OPERATOR, OPERATOR),
    }[kind]


@dataclass(frozen=True, slots=True)
class Scene:
    """A row of each kind, to make the addresses of pages with."""

    rows: dict[str, Model]
    day: str

    def url(self, name: str) -> str:
        return reverse(name if name in OPEN else f"admin:{name}", kwargs=self._kwargs(name))

    def _kwargs(self, name: str) -> dict[str, Any]:
        if name in _KWARGS:
            row, kwargs = _KWARGS[name]
            return {
                key: self.rows[row].pk if value is ... else value for key, value in kwargs.items()
            }
        if name.startswith("digest_edition_") and name.rsplit("_", 1)[1] in _OF_A_DAY:
            return {"day": self.day}
        model, _, kind = name.rpartition("_")
        has_key = model in MODELS and kind in {"change", "delete", "history"}
        return {"object_id": self.rows[model].pk} if has_key else {}


_OF_A_DAY = {"of", "act", "preview", "find", "mail", "test"}
_KWARGS: dict[str, tuple[str, dict[str, Any]]] = {
    "release_hold": ("digest_hold", {"pk": ...}),
    "look_now": ("digest_hold", {"name": "huggingface"}),
    "person": ("subscribers_subscriber", {"pk": ...}),
    "person_act": ("subscribers_subscriber", {"pk": ...}),
    "person_export": ("subscribers_subscriber", {"pk": ...}),
    **{name: ("digest_hold", {"pk": 1}) for name in ("import_file", "import_act", "import_rows")},
    **{name: ("digest_hold", {"pk": 1}) for name in ("import_complete", "import_report")},
    "import_undo": ("digest_hold", {"pk": 1}),
    "import_piece": ("digest_hold", {"pk": 1, "number": 1}),
    "remove_factor": ("digest_hold", {"pk": 1}),
    "app_list": ("digest_hold", {"app_label": "digest"}),
    "view_on_site": ("digest_hold", {"content_type_id": 1, "object_id": 1}),
    "auth_user_reset": ("auth_user", {"pk": ...}),
    "digest_token_revoke": ("digest_token", {"pk": ...}),
    "digest_endpoint_test": ("digest_endpoint", {"pk": ...}),
    "digest_endpoint_secret": ("digest_endpoint", {"pk": ...}),
    "auth_user_password_change": ("auth_user", {"id": ...}),
}


def make_scene() -> Scene:
    reader = make_reader(email="ada.lovelace@dest.example")
    edition = make_edition(2)
    digest = make_digest(edition, reader)
    notice = Notice.objects.create(kind="hold.placed")
    endpoint = Endpoint.objects.create(name="Hook", url="https://hook.example/", kinds=[], salt="s")
    rows: dict[str, Model] = {
        "digest_token": Token.objects.create(name="Token", key_hash="0" * 64, hint="x", scopes=[]),
        "digest_endpoint": endpoint,
        "digest_call": Call.objects.create(notice=notice, endpoint=endpoint),
        "digest_auditentry": AuditEntry.objects.create(act="test.act"),
        "digest_digest": digest,
        "digest_edition": edition,
        "digest_event": Event.objects.create(digest=digest, kind="delivered", at=timezone.now()),
        "digest_hold": Hold.objects.create(mail_service="smtp", reason="A test"),
        "digest_look": Look.objects.create(source="huggingface", outcome="ok"),
        "digest_paper": edition.papers.all()[0],
        "subscribers_consent": Consent.objects.create(
            subscriber=reader, address_hash=reader.address_hash, act=Consent.Act.ASKED
        ),
        "subscribers_letter": Letter.objects.create(subscriber=reader, kind=Letter.Kind.CONFIRM),
        "subscribers_subscriber": reader,
        "subscribers_suppression": Suppression.objects.create(
            address_hash="0" * 64, reason=Suppression.Reason.MANUAL
        ),
        "subscribers_topic": make_topic(name="Boats"),
        "auth_user": User.objects.create_user("bob", is_staff=True),
        "auth_group": Group.objects.create(name="others"),
    }
    return Scene(rows, edition.date.isoformat())
