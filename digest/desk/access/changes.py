"""What Django's own lists and forms change, as rows of the log of operators.

Django keeps a log of its own, with the text of each object, which can hold what a reader's erasure
must not leave behind. It can be changed, too. So nothing is written there.
"""

from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from digest.desk import audit

from . import roles

VIEW_LOG = "digest.view_auditentry"


def write_to_audit(shown: "ModelAdmin[Any]") -> None:
    """Have this list record what it does in the log of operators, whatever its class says."""
    vars(shown).update(
        log_addition=_log_addition,
        log_change=_log_change,
        log_deletions=_log_deletions,
        history_view=_show_history,
        changelist_view=_in_a_transaction(shown.changelist_view),
    )


def _in_a_transaction(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What is done with the rows of a list is done and recorded, or neither."""

    def changing(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method != "POST":
            return view(request, extra_context)
        with transaction.atomic():
            return view(request, extra_context)

    return update_wrapper(changing, view)


def _log_addition(request: HttpRequest, obj: Model, message: Any) -> None:
    _record(request, obj, "add", message)


def _log_change(request: HttpRequest, obj: Model, message: Any) -> None:
    _record(request, obj, "change", message)


def _log_deletions(request: HttpRequest, queryset: QuerySet[Any] | Iterable[Model]) -> None:
    for obj in queryset:
        _record(request, obj, "delete", [])


def _record(request: HttpRequest, obj: Model, verb: str, message: Any) -> None:
    fields = sorted(_fields(message))
    more = {"fields": fields} if fields else {}
    result = audit.DONE if fields or verb != "change" else audit.SAME
    name = obj._meta.model_name
    audit.record(request, f"{name}.{verb}", on=obj, result=result, **more)


def _fields(message: Any) -> Iterable[str]:
    """The names of what a form changed, with the tables beside it, but none of their values."""
    for part in message if isinstance(message, list) else []:
        for kind in part.values():
            if "fields" in kind and "object" not in kind:
                yield from map(str, kind["fields"])
            elif kind.get("name"):
                yield str(kind["name"])


def _show_history(
    request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
) -> HttpResponse:
    """Lead to the object's rows in the log."""
    roles.require(request, VIEW_LOG)
    # …/digest/hold/5/history/
    assert request.resolver_match is not None
    model = str(request.resolver_match.url_name).removesuffix("_history").replace("_", ".", 1)
    url = reverse("admin:digest_auditentry_changelist")
    return HttpResponseRedirect(f"{url}?{urlencode({'object': f'{model} {object_id}'})}")
