"""The person page's views."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from digest.desk.access.roles import require
from digest.desk.editions.previews import find_reader, is_number
from subscribers import addresses
from subscribers.export import everything_about
from subscribers.models import Subscriber, Subscription, Suppression, Term, Topic
from subscribers.views.queueing import send_letters_soon

from . import acts, answers, story
from .acts import SEES_ADDRESSES, VIEW
from .words import EMPHASES, FREQUENCIES, STATES, SUPPRESSIONS

Guard = Callable[[Any], Any]


def urls(guard: Guard) -> list[URLPattern]:
    return [
        path("people/", guard(find), name="people"),
        path("people/<int:pk>/", guard(show), name="person"),
        path("people/<int:pk>/act/", guard(act), name="person_act"),
        path("people/<int:pk>/export/", guard(export), name="person_export"),
    ]


def find(request: HttpRequest) -> HttpResponse:
    """Show a form for an address or a number; a POST leads to the reader, and changes nothing.

    It is one because an address must not be in the address of a page. Whoever may not see addresses
    finds nobody by one, either.
    """
    require(request, VIEW)
    words = request.POST.get("reader", "")[:400].strip()
    may_see = request.user.has_perm(SEES_ADDRESSES)
    may_ask = bool(words) and (may_see or is_number(words))
    reader = find_reader(words) if may_ask else None
    if reader is not None:
        return redirect("admin:person", reader.pk)
    context = {
        **admin.site.each_context(request),
        "title": _("People"),
        "is_asked": may_ask,
        "is_hidden": bool(words) and not may_ask,
        "known": _known(words) if may_ask else [],
    }
    return TemplateResponse(request, "admin/people/find.html", context)


def _known(words: str) -> list[tuple[datetime, str]]:
    try:
        return story.of_address(addresses.hashed(words)) if words else []
    except addresses.InvalidAddress:
        return []


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the reader's story, from the place in the address of the page on."""
    require(request, VIEW)
    reader = get_object_or_404(Subscriber, pk=pk)
    may_see = request.user.has_perm(SEES_ADDRESSES)
    clock = answers.Clock(reader.zone, timezone.now())
    teller = story.Teller(reader, clock, answers.Outlook(), may_see)
    before = _place(request)
    moments, has_more = story.moments(teller, before)
    context = {
        **admin.site.each_context(request),
        **_answer(teller),
        **_wants(reader),
        "title": reader.email if may_see else reader.masked_email,
        "reader": reader,
        "opts": Subscriber._meta,
        "clock": clock,
        "new_address": _address(reader, may_see=may_see),
        "moments": [(one, clock.local(one.at)) for one in moments],
        "is_first": before == story.END,
        "following": _written(moments[-1].place) if has_more and moments else "",
        "may": {
            **{name: request.user.has_perm(one.permission) for name, one in acts.ACTS.items()},
            "export": may_see,
            "preview": request.user.has_perm("digest.preview_edition"),
        },
    }
    return TemplateResponse(request, "admin/people/person.html", context)


def _answer(teller: story.Teller) -> dict[str, Any]:
    reader, clock = teller.reader, teller.clock
    suppression = Suppression.objects.filter(address_hash=reader.address_hash).first()
    digest, event = story.latest(reader)
    last = answers.about_last(reader, digest, clock, teller.outlook, event)
    return {
        "last": answers.Verdict(last.kind, teller.masked(last.words)),
        "next": answers.about_next(reader, suppression, clock),
        "suppression": suppression,
        "why_suppressed": SUPPRESSIONS.get(suppression.reason, "") if suppression else "",
    }


def _wants(reader: Subscriber) -> dict[str, Any]:
    """What the reader has asked for, as it is now."""
    labels = Topic.labels()
    subscriptions = Subscription.objects.filter(subscriber=reader).order_by("-emphasis", "topic_id")
    terms = list(reader.terms.order_by("pk"))
    return {
        "state": STATES[reader.state],
        "frequency": FREQUENCIES[reader.frequency],
        "topics": [
            (labels.get(one.topic_id, "–"), EMPHASES.get(one.emphasis, one.emphasis))
            for one in subscriptions
        ],
        "words": _terms(terms, Term.Kind.KEYWORD),
        "authors": _terms(terms, Term.Kind.AUTHOR),
    }


def _terms(terms: list[Term], kind: str) -> list[tuple[str, bool]]:
    return [(term.text, term.is_muted) for term in terms if term.kind == kind]


def _address(reader: Subscriber, *, may_see: bool) -> str:
    """The address that the reader wants to move to."""
    if may_see or not reader.new_email:
        return reader.new_email
    return Subscriber(email=reader.new_email).masked_email


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button says. Safe to repeat."""
    name = request.POST.get("act", "")
    if name not in acts.ACTS:
        raise Http404("There is no such button.")
    require(request, acts.ACTS[name].permission)
    require(request, VIEW)
    reader = Subscriber.objects.filter(pk=pk).first()
    if reader is None:
        if name != acts.ERASE:
            raise Http404("There is no such reader.")
        messages.info(request, _("This reader has been erased before."))
        return redirect("admin:people")
    is_new, words = acts.perform(name, reader, request, timezone.now())
    messages.add_message(request, messages.SUCCESS if is_new else messages.INFO, words)
    if name == "link" and is_new:
        send_letters_soon()
    return redirect("admin:people") if name == acts.ERASE else redirect("admin:person", pk)


@require_POST
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Download all that is known of the reader, as they could themselves."""
    require(request, VIEW)
    require(request, SEES_ADDRESSES)
    reader = get_object_or_404(Subscriber, pk=pk)
    acts.note_export(reader, request)
    known = json.dumps(
        everything_about(reader), indent=2, ensure_ascii=False, cls=DjangoJSONEncoder
    )
    response = HttpResponse(known, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="reader-{pk}.json"'
    return response


# --- the place in the story, as the address of a page has it -------------------------------
def _written(place: story.Place) -> str:
    return f"{place.at.astimezone(UTC).isoformat()}~{place.kind}~{place.pk}"


def _place(request: HttpRequest) -> story.Place:
    """The place to go on from; the beginning, if the address has none that is one."""
    at, _tilde, rest = request.GET.get("before", "")[:80].partition("~")
    kind, _tilde, pk = rest.partition("~")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+")).astimezone(UTC)
    except (ValueError, OverflowError):
        return story.END
    is_place = kind.isascii() and kind.isalpha() and pk.isascii() and pk.isdigit() and len(pk) < 19
    return story.Place(moment, kind, int(pk)) if is_place else story.END
