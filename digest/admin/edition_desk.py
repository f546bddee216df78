"""The desk's page for one edition, and what its buttons post to."""

from datetime import date
from typing import Any

from celery.exceptions import OperationalError as CeleryError
from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError as BrokerError

from digest import tasks
from digest.choosing.candidates import MOST_PINNED
from digest.desk.access.roles import require
from digest.desk.editions import candidates, forecasts, running
from digest.desk.editions.candidates import Issue
from digest.desk.today import services
from digest.desk.words import long_day, skip_words
from digest.models import CatchUp, Curation, Edition, Hold
from digest.papers.editions import due_to_close

from .edition_acts import ACTS, CHANGE, REFUSED, RUN, Pressed, perform, record_refusal

VIEW = "digest.view_edition"
# Nobody looks further than this into a list.
MOST_PAGES = 200


def issue_or_404(day: str) -> Issue:
    """The edition of the day in an address. Raises Http404 if there is none."""
    now = timezone.now()
    try:
        issue = candidates.issue_of(date.fromisoformat(day), now)
    except ValueError:
        issue = None
    if issue is None:
        raise Http404("There is no edition of that day.")
    return issue


@require_safe
def show_next(request: HttpRequest) -> HttpResponse:
    """Lead to the edition that closes next."""
    require(request, VIEW)
    issue = candidates.next_issue(timezone.now())
    return redirect("admin:digest_edition_desk_of", issue.day.isoformat())


@require_safe
def show(request: HttpRequest, day: str) -> HttpResponse:
    require(request, VIEW)
    issue = issue_or_404(day)
    words, page = request.GET.get("q", "")[:200], _page_number(request)
    forecast = forecasts.of(issue.day)
    entries, has_more = candidates.entries(issue, forecast, words=words, page=page)
    context = {
        **admin.site.each_context(request),
        **_of_run(issue),
        **_of_forecast(forecast),
        "title": _("Edition of %(day)s") % {"day": long_day(issue.day)},
        "opts": Edition._meta,
        "issue": issue,
        "closes_at": due_to_close(issue.day, settings.EDITION_CLOSES_HOUR),
        "number": candidates.number_of(issue),
        "entries": entries,
        "words": words,
        "page": page,
        "has_more": has_more,
        "most_pinned": MOST_PINNED,
        "shows": Curation.Shows.choices,
        "may": {"change": request.user.has_perm(CHANGE), "run": request.user.has_perm(RUN)}
        | {name: request.user.has_perm(f"digest.{name}_edition") for name in ("preview", "test")},
        "neighbours": neighbours(issue),
        "history": _history(issue),
    }
    return TemplateResponse(request, "admin/digest/edition/desk.html", context)


@require_POST
def act(request: HttpRequest, day: str) -> HttpResponse:
    """Do what a button says, and start the senders at once if that made anything ready."""
    name = request.POST.get("act", "")
    if name not in ACTS:
        raise Http404("There is no such button.")
    wanted = ACTS[name]
    require(request, wanted.permission)
    issue = issue_or_404(day)
    asked = request.POST.get("paper", "")
    paper = candidates.paper_of(issue, int(asked)) if asked.isascii() and asked.isdigit() else None
    pressed = Pressed(issue, paper, request.user, timezone.now(), request.POST)  # type: ignore[arg-type]
    try:
        messages.success(request, perform(name, pressed, request))
        if wanted.starts:
            tasks.start_at_once()
    except REFUSED as error:
        record_refusal(name, pressed, request, error)
        messages.error(request, str(error))
    except (BrokerError, CeleryError):
        messages.warning(request, _("Redis cannot be reached, so it begins at the next tick."))
    where = f"#paper-{paper.pk}" if paper else ""
    back = redirect("admin:digest_edition_desk_of", day)
    back["Location"] += f"{_query(request)}{where}"
    return back


def _query(request: HttpRequest) -> str:
    """The page of the list to go back to."""
    page = request.POST.get("page", "")
    return f"?page={int(page)}" if page.isascii() and page.isdigit() and len(page) < 5 else ""


def _page_number(request: HttpRequest) -> int:
    asked = request.GET.get("page", "")
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 5
    return max(1, min(int(asked), MOST_PAGES)) if is_number else 1


def _of_run(issue: Issue) -> dict[str, Any]:
    """What is known of the run; only the newest closed edition has one."""
    newest = candidates.newest_closed()
    has_run = newest is not None and newest.pk == issue.key
    held = services.active_holds() if has_run else []
    return {
        "has_run": has_run,
        "active_holds": held,
        "catch_ups": CatchUp.objects.filter(done_at=None) if has_run else [],
        "is_paused": any(_is_pause(hold) for hold in held),
    }


def _is_pause(hold: Hold) -> bool:
    return not hold.mail_service and hold.reason == running.PAUSED and hold.until is None


def _of_forecast(forecast: Any) -> dict[str, Any]:
    if forecast is None or forecast.made_at is None:
        return {"forecast": forecast, "run": None}
    run = forecasts.run_of(forecast, services.look(services.active_holds()))
    reasons = [
        (skip_words(reason), number)
        for reason, number in sorted(
            [*run.skipped.items(), *forecast.out.items()], key=lambda item: -item[1]
        )
    ]
    return {"forecast": forecast, "run": run, "reasons": reasons}


def neighbours(issue: Issue) -> dict[str, date | None]:
    """The days of the editions before and after this one, which may be the one that is next."""
    closed = Edition.objects.closed().values_list("date", flat=True)
    after = closed.filter(date__gt=issue.day).order_by("date").first()
    if after is None and issue.is_closed:
        after = candidates.next_issue(timezone.now()).day
    return {
        "before": closed.filter(date__lt=issue.day).order_by("-date").first(),
        "after": after,
    }


def _history(issue: Issue) -> list[Curation]:
    """The newest changes to this edition and its papers."""
    if issue.key is None:
        of_papers = Curation.objects.filter(paper__isnull=False, paper__candidate=None)
    else:
        of_papers = Curation.objects.filter(paper__candidate__edition=issue.key)
        of_papers = of_papers | Curation.objects.filter(edition=issue.key)
    return list(of_papers.select_related("paper", "by").order_by("-pk")[:20])
