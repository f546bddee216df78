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
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.views.decorators.cache import cache_page
from django.views.decorators.http import conditional_page, require_safe

from digest.models import Curation, EditionPaper
from digest.papers.cards import describe, page_url, slug_of, title_of
from digest.sources import SOURCES
from digest.sources.text import shorten
from subscribers.models import Topic
from subscribers.wishes import following

from . import archive, citing, periods, searching, sharing
from .charts import chart
from .listings import listed, page_number, path_of
from .periods import Period, Unit

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


# --- days, weeks and months ----------------------------------------------------------------
@public_page
def today(request: HttpRequest) -> HttpResponse:
    """Show the newest edition, or a page that says that there is none yet."""
    edition = archive.latest()
    if edition is None:
        return render(request, "digest/site/no_edition.html")
    return _period_page(request, Period.around(Unit.DAY, edition.date), edition.date)


@public_page
def period(request: HttpRequest, unit: Unit, name: str) -> HttpResponse:
    """Show the papers of a day, a week or a month that has a closed edition."""
    try:
        shown = Period.named(unit, name)
    except ValueError as error:
        raise Http404 from error
    newest: date | None = shown.editions().aggregate(newest=Max("date"))["newest"]
    if newest is None:
        raise Http404
    return _period_page(request, shown, newest)


@public_page
def calendar(request: HttpRequest) -> HttpResponse:
    """List the days of a year that have an edition, by month."""
    years = periods.years()
    asked = request.GET.get("year", "")
    year = int(asked) if asked in map(str, years) else next(iter(years), None)
    months = periods.months_of(year) if year else []
    weekdays = [(WEEKDAYS[number], WEEKDAYS_ABBR[number]) for number in range(7)]
    context = {"months": months, "years": years, "year": year, "weekdays": weekdays}
    return render(request, "digest/site/archive.html", context)


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
        page = page_number(request, MOST_PAGES)
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
    shown = _candidate(pk)
    about = shown.paper
    named = Topic.objects.filter(papertopic__paper=about).order_by("-papertopic__fit")
    context = {
        "pk": about.pk,
        "paper": describe(shown, Curation.objects.of([about.pk]).get(about.pk), is_live=True),
        "abstract": about.abstract,
        "names": about.authors[:NAMED_AUTHORS],
        "other_names": about.authors[NAMED_AUTHORS:],
        "unnamed": max(0, about.num_authors - len(about.authors)),
        "keywords": [shorten(word, 60) for word in about.keywords[:10]],
        "topics": named,
        "edition": shown.edition.date,
        "closed": shown if 0 < shown.votes != about.votes else None,
        "chart": chart(list(about.sightings.order_by("at").values_list("at", "votes"))),
        "similar": listed(archive.similar(about, SIMILAR)),
        "canonical": page_url(about),
        "picture": sharing.address_of(about),
        "reference": citing.in_words(about),
        "bibtex": citing.bibtex([about]),
    }
    return render(request, "digest/site/paper.html", context)


@public_page
def reference(request: HttpRequest, pk: str, form: str) -> HttpResponse:
    """Give a paper's reference as a file for reference managers."""
    about, (write, content_type) = _candidate(pk).paper, citing.FORMS[form]
    response = HttpResponse(write([about]), content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug_of(about)}.{form}"'
    return response


@public_page
def share(request: HttpRequest, pk: str) -> HttpResponse:
    """Draw the picture for links to a paper."""
    return HttpResponse(sharing.drawn(_candidate(pk).paper), content_type="image/jpeg")


@public_page
def author(request: HttpRequest, name: str) -> HttpResponse:
    """Show the papers by an author, who must be named as a paper names them."""
    by_votes, page = _is_by_votes(request), page_number(request, MOST_PAGES)
    start = (page - 1) * archive.PAGE
    found = searching.by_author(name, by_votes=by_votes, start=start, number=archive.PAGE)
    if found is None:
        raise Http404
    context = {
        "name": name,
        "found": found,
        "entries": listed(found.papers),
        "by_votes": by_votes,
        "follow": following.offer(name),
        "canonical": f"{settings.SITE_URL}{reverse('digest:author', args=[name])}",
        **_pages(_ordered(by_votes=by_votes), page, has_more=found.has_more),
    }
    return render(request, "digest/site/author.html", context)


def _candidate(pk: str) -> EditionPaper:
    found: EditionPaper | None = EditionPaper.objects.public().filter(paper=int(pk)).first()
    if found is None:
        raise Http404
    return found


@public_page
def search(request: HttpRequest) -> HttpResponse:
    text, page = searching.cleaned(request.GET.get("q", "")), page_number(request, MOST_PAGES)
    topics = {topic.pk: topic for topic in Topic.objects.all()}
    offered = {topic.slug: topic for topic in topics.values() if topic.is_offered}
    wanted = searching.wanted(request.GET, offered)
    context: dict[str, Any] = {
        "text": text,
        "wanted": wanted,
        "offered": offered.values(),
        "sources": [(name, source.label) for name, source in SOURCES.items()],
    }
    if text or wanted.is_narrow:
        public, start = EditionPaper.objects.public(), (page - 1) * archive.PAGE
        found = searching.search(public, text, start=start, number=archive.PAGE, wanted=wanted)
        context |= {"found": found, "entries": listed(found.papers, topics)}
        if found.alike:
            context["alike"] = listed(found.alike, topics)
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
def _period_page(request: HttpRequest, shown: Period, newest: date) -> HttpResponse:
    """Show a period. `newest` is its last day with an edition."""
    by_votes = _is_by_votes(request)
    page = 1 if shown.is_day else page_number(request, MOST_PAGES)
    front = archive.front(shown, by_votes=by_votes, start=(page - 1) * archive.PAGE)
    before, after = shown.neighbours()
    is_last = shown.is_day or front.listed <= page * archive.PAGE
    context = {
        "period": shown,
        "units": [Period.around(unit, newest) for unit in Unit],
        "by_votes": by_votes,
        "number": front.number,
        "listed": front.listed if is_last and front.listed < front.number else None,
        "entries": listed(front.papers),
        "others": [(title_of(paper), path_of(paper)) for paper in front.others],
        "before": before,
        "after": after,
        **_pages(_ordered(by_votes=by_votes), page, has_more=not is_last),
    }
    return render(request, "digest/site/edition.html", context)


def _is_by_votes(request: HttpRequest) -> bool:
    return request.GET.get("order") == "votes"


def _ordered(*, by_votes: bool) -> str:
    """Return the address of a list in this order, to which a page's number is added."""
    return f"?{'order=votes&' if by_votes else ''}page="


def _pages(address: str, page: int, *, has_more: bool) -> dict[str, str]:
    """Return the addresses of the previous and next pages, "" for one that does not exist."""
    has_next = has_more and page < MOST_PAGES
    return {
        "newer": f"{address}{page - 1}" if page > 1 else "",
        "older": f"{address}{page + 1}" if has_next else "",
    }
