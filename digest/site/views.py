"""The public pages: today's papers, the archive, topics, a paper, and search.

They are the same for everybody who speaks the same language. They neither set nor read cookies,
caches may keep them for a minute, and a browser that has the current version gets a 304.
"""

from collections.abc import Callable
from datetime import UTC, date, timedelta
from functools import wraps
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import http_date
from django.views.decorators.cache import cache_page
from django.views.decorators.http import conditional_page, require_safe

from digest.models import Curation, Edition, EditionPaper
from digest.papers.cards import describe, page_url, title_of
from digest.sources.text import shorten
from subscribers.models import Topic

from . import archive, searching
from .charts import chart
from .listings import listed, path_of

# How long we and all other caches may keep a page.
KEPT_SECONDS = 60
SIMILAR = 5
# The page hides further authors behind a link.
NAMED_AUTHORS = 12
TOPIC_DAYS = 30
# Nobody pages further than this, and the database reads all earlier pages for each one.
MOST_PAGES = 50

View = Callable[..., HttpResponse]


def public_page(view: View) -> View:
    """Decorate a view that everybody may read and caches may keep. Allows GET and HEAD only."""

    @require_safe
    @conditional_page
    @cache_page(KEPT_SECONDS)
    @wraps(view)
    def guarded(request: HttpRequest, **named: Any) -> HttpResponse:
        response = view(request, **named)
        patch_cache_control(response, public=True)
        return response

    return guarded


# --- days ----------------------------------------------------------------------------------
@public_page
def today(request: HttpRequest) -> HttpResponse:
    """Show the newest edition, or a page that says that there is none yet."""
    edition = archive.latest()
    if edition is None:
        return render(request, "digest/site/no_edition.html")
    return _edition_page(request, edition)


@public_page
def edition(request: HttpRequest, day: str) -> HttpResponse:
    return _edition_page(request, _edition_of(day))


@public_page
def editions(request: HttpRequest) -> HttpResponse:
    """List all days that have an edition, by month."""
    by_month = groupby(archive.days(), key=lambda day: day.replace(day=1))
    months = [(month, sorted(days)) for month, days in by_month]
    return render(request, "digest/site/archive.html", {"months": months})


# --- topics --------------------------------------------------------------------------------
@public_page
def topics(request: HttpRequest) -> HttpResponse:
    since = timezone.now().astimezone(UTC).date() - timedelta(days=TOPIC_DAYS)
    numbers = archive.numbers_by_topic(since)
    offered = [(topic, numbers.get(topic.pk, 0)) for topic in Topic.objects.filter(is_offered=True)]
    return render(request, "digest/site/topics.html", {"topics": offered, "days": TOPIC_DAYS})


@public_page
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a topic's papers: those that trend now, or all of them by day."""
    shown = get_object_or_404(Topic, slug=slug)
    context: dict[str, Any] = {"topic": shown}
    if request.GET.get("order") == "new":
        page = _page_number(request)
        start = (page - 1) * archive.PAGE
        found = list(archive.on_topic(shown)[start : start + archive.PAGE + 1])
        has_more = len(found) > archive.PAGE
        days = groupby(listed(found[: archive.PAGE]), key=lambda entry: entry.edition)
        context["days"] = [(day, list(entries)) for day, entries in days]
        context |= _pages("?order=new&page=", page, has_more=has_more)
    else:
        context["entries"] = listed(archive.trending_on(shown, timezone.now()))
    return render(request, "digest/site/topic.html", context)


# --- papers --------------------------------------------------------------------------------
@public_page
def paper(request: HttpRequest, pk: str, slug: str = "") -> HttpResponse:
    """Show one paper. The slug in its address is for people; any will do."""
    candidate = EditionPaper.objects.public().filter(paper=int(pk)).first()
    if candidate is None:
        raise Http404
    [shown] = archive.with_newest_figures([candidate])
    about = shown.paper
    named = Topic.objects.filter(papertopic__paper=about).order_by("-papertopic__fit")
    context = {
        "paper": describe(shown, Curation.objects.of([about.pk]).get(about.pk)),
        "abstract": about.abstract,
        "names": about.authors[:NAMED_AUTHORS],
        "other_names": about.authors[NAMED_AUTHORS:],
        "unnamed": max(0, about.num_authors - len(about.authors)),
        "keywords": [shorten(word, 60) for word in about.keywords[:10]],
        "topics": named,
        "edition": shown.edition.date,
        "chart": chart(list(about.sightings.order_by("at").values_list("at", "votes"))),
        "similar": listed(archive.similar(about, SIMILAR)),
        "canonical": page_url(about),
    }
    return render(request, "digest/site/paper.html", context)


@public_page
def search(request: HttpRequest) -> HttpResponse:
    text, page = searching.cleaned(request.GET.get("q", "")), _page_number(request)
    context: dict[str, Any] = {"text": text}
    if text:
        found = searching.search(
            EditionPaper.objects.public(),
            text,
            start=(page - 1) * archive.PAGE,
            number=archive.PAGE,
        )
        context["entries"] = listed(archive.with_newest_figures(found.papers))
        if found.alike:
            context["alike"] = listed(archive.with_newest_figures(found.alike))
        query = request.GET.copy()
        query.pop("page", None)
        context |= _pages(f"?{query.urlencode()}&page=", page, has_more=found.has_more)
    return render(request, "digest/site/search.html", context)


@public_page
def robots(request: HttpRequest) -> HttpResponse:
    """Tell search engines what to leave alone.

    Addresses with a token are not disallowed: an engine that may not fetch such a page never
    sees its "noindex", and lists the address.
    """
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /search", ""]
    text = "\n".join([*lines, f"Sitemap: {settings.SITE_URL}/sitemap.xml", ""])
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


# --- shared --------------------------------------------------------------------------------
def _edition_page(request: HttpRequest, edition: Edition) -> HttpResponse:
    front = archive.front(edition)
    before, after = archive.neighbours(edition)
    context = {
        "edition": edition,
        "number": front.number,
        "entries": listed(front.papers),
        "others": [(title_of(paper), path_of(paper)) for paper in front.others],
        "before": before,
        "after": after,
        "is_latest": after is None,
    }
    response = render(request, "digest/site/edition.html", context)
    # Only the link to the next edition changes later.
    changed_at = (after or edition).closed_at
    assert changed_at is not None
    response["Last-Modified"] = http_date(changed_at.timestamp())
    return response


def _edition_of(day: str) -> Edition:
    try:
        found: Edition = Edition.objects.closed().get(date=date.fromisoformat(day))
    except (ValueError, Edition.DoesNotExist) as error:
        raise Http404 from error
    return found


def _page_number(request: HttpRequest) -> int:
    """Return the requested page of a list, or 1 if the address names none."""
    asked = request.GET.get("page", "")
    return max(1, min(int(asked), MOST_PAGES)) if asked.isdecimal() and len(asked) < 4 else 1


def _pages(address: str, page: int, *, has_more: bool) -> dict[str, str]:
    """Return the addresses of the previous and next pages, "" for one that does not exist."""
    has_next = has_more and page < MOST_PAGES
    return {
        "newer": f"{address}{page - 1}" if page > 1 else "",
        "older": f"{address}{page + 1}" if has_next else "",
    }
