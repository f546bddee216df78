"""The pages that everybody may read: today's papers, the archive, topics, a paper, the search.

They are the same for everybody who speaks the same language: no cookie is set or read, caches
may keep them for a minute, and whoever has a page already is told that it still holds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import wraps
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import http_date
from django.views.decorators.cache import cache_page
from django.views.decorators.http import conditional_page, require_safe

from digest.models import Edition, EditionPaper, Paper
from digest.papers.cards import PaperCard, best_topic, describe, page_url, slug_of, title_of
from digest.sources.latex import plain
from digest.sources.text import ABSTRACT_LENGTH, NAME_LENGTH, clean
from subscribers.models import Topic

from . import archive, searching
from .charts import chart

# So long we keep a page that we made, for others who ask for it, and so may all caches.
KEPT_SECONDS = 60
SIMILAR = 5
# All the others of a paper's authors are there, too, behind a word.
NAMED_AUTHORS = 12
TOPIC_DAYS = 30
# Nobody turns so many pages, and each costs the database those before it.
MOST_PAGES = 50

View = Callable[..., HttpResponse]


def public_page(view: View) -> View:
    """For what everybody may read and caches may keep. GET and HEAD only."""

    @require_safe
    @conditional_page
    @cache_page(KEPT_SECONDS)
    @wraps(view)
    def guarded(request: HttpRequest, **named: Any) -> HttpResponse:
        response = view(request, **named)
        patch_cache_control(response, public=True)
        return response

    return guarded


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper in a list: its card, the path of its page, and the topic it fits best."""

    card: PaperCard
    path: str
    topic: Topic | None
    edition: date


# --- days ----------------------------------------------------------------------------------
@public_page
def today(request: HttpRequest) -> HttpResponse:
    """The newest edition. Before the first one there is a page as well."""
    edition = archive.latest()
    if edition is None:
        return render(request, "digest/site/no_edition.html")
    return _edition_page(request, edition)


@public_page
def edition(request: HttpRequest, day: str) -> HttpResponse:
    return _edition_page(request, _edition_of(day))


@public_page
def editions(request: HttpRequest) -> HttpResponse:
    """All days that have an edition, month by month."""
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
    """A topic's papers: what trends at present, or all of them by their day."""
    shown = get_object_or_404(Topic, slug=slug)
    context: dict[str, Any] = {"topic": shown}
    if request.GET.get("order") == "new":
        page = _page_number(request)
        start = (page - 1) * archive.PAGE
        found = list(archive.on_topic(shown)[start : start + archive.PAGE + 1])
        has_more = len(found) > archive.PAGE
        days = groupby(_entries(found[: archive.PAGE]), key=lambda entry: entry.edition)
        context["days"] = [(day, list(entries)) for day, entries in days]
        context |= _pages("?order=new&page=", page, has_more=has_more)
    else:
        context["entries"] = _entries(archive.trending_on(shown, timezone.now()))
    return render(request, "digest/site/topic.html", context)


# --- papers --------------------------------------------------------------------------------
@public_page
def paper(request: HttpRequest, pk: str, slug: str = "") -> HttpResponse:
    """One paper. The words in its address are for people, and any will do."""
    candidate = archive.public().filter(paper=int(pk)).first()
    if candidate is None:
        raise Http404
    [shown] = archive.with_newest_figures([candidate])
    about = shown.paper
    names = [clean(name, NAME_LENGTH) for name in about.authors]
    named = Topic.objects.filter(papertopic__paper=about).order_by("-papertopic__fit")
    context = {
        "paper": describe(shown),
        "abstract": clean(plain(about.abstract), ABSTRACT_LENGTH),
        "names": names[:NAMED_AUTHORS],
        "other_names": names[NAMED_AUTHORS:],
        "unnamed": max(0, about.num_authors - len(names)),
        "keywords": [clean(word, 60) for word in about.keywords[:10]],
        "topics": named,
        "edition": shown.edition.date,
        "chart": chart(list(about.sightings.order_by("at").values_list("at", "votes"))),
        "similar": _entries(archive.similar(about, SIMILAR)),
        "canonical": page_url(about),
    }
    return render(request, "digest/site/paper.html", context)


@public_page
def search(request: HttpRequest) -> HttpResponse:
    text, page = searching.cleaned(request.GET.get("q", "")), _page_number(request)
    context: dict[str, Any] = {"text": text}
    if text:
        found = searching.search(
            archive.public(), text, start=(page - 1) * archive.PAGE, number=archive.PAGE
        )
        context["entries"] = _entries(archive.with_newest_figures(found.papers))
        if found.alike:
            context["alike"] = _entries(archive.with_newest_figures(found.alike))
        query = request.GET.copy()
        query.pop("page", None)
        context |= _pages(f"?{query.urlencode()}&page=", page, has_more=found.has_more)
    return render(request, "digest/site/search.html", context)


@public_page
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines should leave alone.

    The addresses with a token are not here: an engine that may not look never sees that these
    pages ask not to be listed, and lists their addresses.
    """
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /search", ""]
    text = "\n".join([*lines, f"Sitemap: {settings.SITE_URL}/sitemap.xml", ""])
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


# --- what they share -----------------------------------------------------------------------
def _edition_page(request: HttpRequest, edition: Edition) -> HttpResponse:
    front = archive.front(edition)
    before, after = archive.neighbours(edition)
    context = {
        "edition": edition,
        "number": front.number,
        "entries": _entries(front.papers),
        "others": [(title_of(paper), path_of(paper)) for paper in front.others],
        "before": before,
        "after": after,
        "is_latest": after is None,
    }
    response = render(request, "digest/site/edition.html", context)
    # What changes later is the way to the next edition.
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


def _entries(candidates: Iterable[EditionPaper]) -> list[Entry]:
    """The papers as a list shows them. The topics are one query, however many papers."""
    named: Mapping[int, Topic] = Topic.objects.in_bulk()
    return [
        Entry(
            card=describe(candidate),
            path=path_of(candidate.paper),
            topic=named.get(best_topic(candidate) or 0),
            edition=candidate.edition.date,
        )
        for candidate in candidates
    ]


def path_of(paper: Paper) -> str:
    return reverse("digest:paper", args=[paper.pk, slug_of(paper)])


def _page_number(request: HttpRequest) -> int:
    """Which page of a list is asked for; the first, if that is no number."""
    asked = request.GET.get("page", "")
    return max(1, min(int(asked), MOST_PAGES)) if asked.isdecimal() and len(asked) < 4 else 1


def _pages(address: str, page: int, *, has_more: bool) -> dict[str, str]:
    """The addresses of the pages before and after; "" where there is none."""
    has_next = has_more and page < MOST_PAGES
    return {
        "newer": f"{address}{page - 1}" if page > 1 else "",
        "older": f"{address}{page + 1}" if has_next else "",
    }
