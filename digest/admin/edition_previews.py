"""Previews of digests, and test mails."""

from functools import partial
from uuid import UUID, uuid4

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.contrib import admin, messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from digest.desk import audit
from digest.desk.access.roles import require
from digest.desk.editions import previews, samples
from digest.desk.editions.candidates import Issue
from digest.desk.editions.previews import Preview
from digest.desk.words import long_day, skip_words
from digest.models import Edition
from subscribers.models import Subscriber

from .edition_desk import issue_or_404, neighbours

PREVIEW, TEST = "digest.preview_edition", "digest.test_edition"
SEES_ADDRESSES = "subscribers.view_addresses"
# How many readers are offered to those who have nobody in mind.
OFFERED = 8
# How many seconds the frame may show what the page was made with, so that it is not made twice.
FRAMED = 30
# A mail has its styles in the elements. Nothing else may come of it, not even a link.
_MAIL_POLICY = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": [],
}


@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # its views take no arguments
@require_safe
def show(request: HttpRequest, day: str) -> HttpResponse:
    """Show the digest of the reader in the address; without one, a form to name one."""
    require(request, PREVIEW)
    issue = issue_or_404(day)
    reader = _reader(request.GET.get("reader", "")) if "reader" in request.GET else None
    shown = _preview(request, reader, issue) if reader else None
    if reader and shown:
        cache.set(_key(request, reader, issue), shown.html, FRAMED)
    may_see = request.user.has_perm(SEES_ADDRESSES)
    context = {
        **admin.site.each_context(request),
        "title": _("Preview of %(day)s") % {"day": long_day(issue.day)},
        "opts": Edition._meta,
        "issue": issue,
        "neighbours": neighbours(issue),
        "preview": shown,
        "address": _address(reader, may_see=may_see) if reader else "",
        "why_not": _words(shown.why_not) if shown else "",
        "skipped": _words(shown.skip_reason) if shown else "",
        "may_see": may_see,
        "offered": [] if reader else _offered(may_see=may_see),
        "may_test": request.user.has_perm(TEST),
        "most": samples.MOST,
        "key": uuid4(),
    }
    return TemplateResponse(request, "admin/digest/edition/preview.html", context)


@require_POST
def find(request: HttpRequest, day: str) -> HttpResponse:
    """Lead to the preview for the reader with the address that was typed, which must not be in the
    address of a page."""
    require(request, PREVIEW)
    issue_or_404(day)
    asked = request.POST.get("reader", "")[:400].strip()
    may_see = request.user.has_perm(SEES_ADDRESSES)
    reader = previews.find_reader(asked) if may_see or previews.is_number(asked) else None
    back = redirect("admin:digest_edition_preview", day)
    if reader is None:
        named = "with this address or number" if may_see else "with this number"
        messages.error(request, f"There is no reader {named}.")
    else:
        back["Location"] += f"?reader={reader.pk}"
    return back


@csp(_MAIL_POLICY)  # type: ignore[arg-type]  # its views take no arguments
@xframe_options_sameorigin
@require_safe
def show_mail(request: HttpRequest, day: str) -> HttpResponse:
    """Show the HTML of the mail, for the frame in the preview."""
    require(request, PREVIEW)
    issue = issue_or_404(day)
    reader = _reader(request.GET.get("reader", ""))
    html = cache.get(_key(request, reader, issue)) or _preview(request, reader, issue).html
    if not html:
        raise Http404("There is no mail.")
    return HttpResponse(html)


@require_POST
def send_test(request: HttpRequest, day: str) -> HttpResponse:
    """Send the preview to the addresses that were named."""
    require(request, TEST)
    require(request, PREVIEW)
    issue = issue_or_404(day)
    reader = _reader(request.POST.get("reader", ""))
    note = partial(audit.record, request, "mail.test", on=reader, day=day)
    try:
        to = samples.addresses_in(request.POST.get("to", "")[:5000])
        key = UUID(request.POST.get("key", ""))
        shown = _preview(request, reader, issue)
        begun = partial(note, number=len(to))
        for tried in samples.send(shown, to, key, request.user, begun):  # type: ignore[arg-type]
            say = messages.success if tried.is_sent else messages.error
            say(request, f"{tried.words.removesuffix('.')}: {tried.address}")
    except samples.SampleError as error:
        note(result=audit.REFUSED, why=str(error))
        messages.error(request, str(error))
    except ValueError:
        messages.error(request, _("Load the page again, please."))
    return redirect(f"{reverse('admin:digest_edition_preview', args=[day])}?reader={reader.pk}")


def _reader(asked: str) -> Subscriber:
    is_number = previews.is_number(asked)
    reader = Subscriber.objects.filter(pk=int(asked)).first() if is_number else None
    if reader is None:
        raise Http404("There is no such reader.")
    return reader


def _key(request: HttpRequest, reader: Subscriber, issue: Issue) -> str:
    return f"preview:{request.user.pk}:{reader.pk}:{issue.day}"


def _offered(*, may_see: bool) -> list[tuple[int, str]]:
    """The readers who are due next, by their numbers, for somebody who has nobody in mind."""
    active = Subscriber.objects.active().filter(next_due_at__isnull=False)
    following = active.order_by("next_due_at", "pk")[:OFFERED]
    return [(one.pk, _address(one, may_see=may_see)) for one in following]


def _preview(request: HttpRequest, reader: Subscriber, issue: Issue) -> Preview:
    may_see = request.user.has_perm(SEES_ADDRESSES)
    return previews.preview(reader, issue, timezone.now(), shows_address=may_see)


def _address(reader: Subscriber, *, may_see: bool) -> str:
    return reader.email if may_see else reader.masked_email


def _words(reason: str) -> str:
    return skip_words(reason)
