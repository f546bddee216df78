"""The papers that a reader keeps: a list with notes, files for reference managers, and a feed.

GET and HEAD only show; POST acts. Files and the feed are read by programs, with a link alone.
"""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from digest.models import EditionPaper, Saved
from digest.papers.cards import describe
from digest.readers import saved
from digest.readers.bibliography import Unreadable
from digest.site import citing
from digest.site.listings import page_number
from subscribers import links
from subscribers.models import Link, Subscriber
from subscribers.views.language import render_for
from subscribers.views.links import token_page

from .ways import back_to

PAGE = 50
_MOST_PAGES = saved.MOST // PAGE


@token_page
def save(request: HttpRequest, token: str, paper_id: str) -> HttpResponse:
    """Keep a paper, or no longer: the page behind a mail's link, and behind buttons elsewhere."""
    now = timezone.now()
    link = links.find(token, Link.Purpose.SAVED, now)
    reader, pk = link.subscriber, int(paper_id)
    candidate = EditionPaper.objects.public().filter(paper=pk).first()
    if candidate is None:
        raise links.BadLink
    with override(reader.language):
        if request.method == "POST":
            return _saved(request, link, pk, now)
        context = {
            "token": token,
            "pk": pk,
            "paper": describe(candidate),
            "row": Saved.objects.filter(subscriber=reader, paper=pk).first(),
            "is_full": "full" in request.GET,
            "most": saved.MOST,
        }
        return render_for(reader, request, "digest/readers/save.html", context)


def _saved(request: HttpRequest, link: Link, paper_id: int, now: datetime) -> HttpResponse:
    reader, wish, query = link.subscriber, request.POST.get("w", ""), ""
    if wish == "save":
        try:
            saved.save(reader, [paper_id], now)
        except saved.TooMany:
            query = "?full"
    elif wish == "note":
        saved.write_note(reader, paper_id, request.POST.get("note", ""))
    elif wish == "undo":
        saved.forget(reader, paper_id)
    # 303, so that reloading the page does not act again.
    way = "" if query else back_to(link, request.POST.get("back", ""), paper_id)
    return HttpResponseRedirect(way or f"{request.path}{query}", status=303)


@token_page
def show(request: HttpRequest, token: str) -> HttpResponse:
    """List what the reader keeps; add papers by their links; make or end the feed's address."""
    now = timezone.now()
    reader = links.find(token, Link.Purpose.SAVED, now).subscriber
    with override(reader.language):
        shown: dict[str, Any] = {"token": token}
        if request.method == "POST":
            answer = _act(request, reader, now)
            if isinstance(answer, str):
                return HttpResponseRedirect(f"{request.path}{answer}", status=303)
            shown |= answer
        shown = _listed(request, reader) | shown
        return render_for(reader, request, "digest/readers/saved.html", shown)


def _act(request: HttpRequest, reader: Subscriber, now: datetime) -> str | dict[str, Any]:
    """Do what the pressed button asks for.

    Returns the query string for the next page, or the context of this one.
    """
    if "feed" in request.POST:
        # Shown now and never again: only its hash is stored.
        return {"feed_url": links.issue_for_good(reader, Link.Purpose.FEED, now)}
    if "end" in request.POST:
        links.revoke(reader, Link.Purpose.FEED)
        return "?ended#feed"
    if "add" not in request.POST:
        return ""
    text = request.POST.get("papers", "")
    try:
        done = saved.save_named(reader, text, now)
    except Unreadable as error:
        return {"error": str(error), "text": text}
    except saved.TooMany:
        said = _("You can keep %(most)d papers. Remove some of them first.")
        return {"error": said % {"most": saved.MOST}, "text": text}
    return {"added": done, "text": text if done.known < done.number else ""}


def _listed(request: HttpRequest, reader: Subscriber) -> dict[str, Any]:
    page = page_number(request, _MOST_PAGES)
    rows = saved.newest(reader, start=(page - 1) * PAGE, number=PAGE + 1)
    candidates = EditionPaper.objects.by_paper([row.paper_id for row in rows])
    entries = [
        (row, describe(candidates[row.paper_id], is_live=True))
        for row in rows[:PAGE]
        if row.paper_id in candidates
    ]
    return {
        "entries": entries,
        "number": saved.number_of(reader),
        "has_feed": Link.objects.filter(subscriber=reader, purpose=Link.Purpose.FEED).exists(),
        "is_ended": "ended" in request.GET,
        "newer": f"?page={page - 1}" if page > 1 else "",
        "older": f"?page={page + 1}" if len(rows) > PAGE else "",
    }


@token_page
def export(request: HttpRequest, token: str, form: str) -> HttpResponse:
    """Download what the reader keeps, with the notes, for a reference manager."""
    reader = links.find(token, Link.Purpose.SAVED, timezone.now()).subscriber
    rows = saved.newest(reader)
    write, kind = citing.FORMS[form]
    notes = {row.paper_id: row.note for row in rows if row.note}
    text = write([row.paper for row in rows], notes)
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="saved-papers.{form}"'
    return response


@token_page
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The newest of what the reader keeps, as Atom, until they end its address."""
    reader = links.find(token, Link.Purpose.FEED, timezone.now()).subscriber
    if request.method == "POST" or reader.state != Subscriber.State.ACTIVE:
        raise Http404
    with override(reader.language):
        text = saved.feed(saved.newest(reader, number=saved.FEED_LENGTH))
    return HttpResponse(text, content_type="application/atom+xml; charset=utf-8")
