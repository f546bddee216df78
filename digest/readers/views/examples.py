"""The page "Papers you like": examples of what to send, picked by hand or from a library.

GET and HEAD only show; POST acts. Searching is a GET that carries the ticked boxes along, so
nothing ticked is lost, and nothing is saved until the reader asks.
"""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from digest.models import EditionPaper
from digest.readers import bibliography, examples
from digest.readers.bibliography import Library, Unreadable
from digest.site import searching
from digest.site.listings import listed
from subscribers import links
from subscribers.joining import abuse
from subscribers.models import Link, Subscriber, Topic
from subscribers.views.language import render_for
from subscribers.views.links import token_page
from subscribers.wishes import preferences

FOUND = 8
_MOST_TICKED = 100
# Room for the rest of a form besides the library.
_FORM_BYTES = 50_000
# A browser shows our answer only after it has sent everything. We read no more than this.
_MOST_DRAINED = 32_000_000


@token_page
def choose(request: HttpRequest, token: str) -> HttpResponse:
    """Pick papers, search for others, import a library; see and undo earlier choices."""
    now = timezone.now()
    subscriber = links.find(token, Link.Purpose.PREFERENCES, now).subscriber
    if subscriber.state != Subscriber.State.ACTIVE:
        return render_for(subscriber, request, "subscribers/not_subscribed.html")
    with override(subscriber.language):
        shown: dict[str, Any] = {"token": token}
        if request.method == "POST":
            answer = _act(request, subscriber, now)
            if isinstance(answer, str):
                # 303, so that reloading the page does not act again.
                return HttpResponseRedirect(f"{request.path}?{answer}".rstrip("?"), status=303)
            shown |= answer
        else:
            shown |= _after(request.GET, subscriber, now)
        shown = _lists(request.GET, subscriber, shown.get("ticked")) | shown
        return render_for(subscriber, request, "digest/readers/examples.html", shown)


# --- acting --------------------------------------------------------------------------------
def _act(request: HttpRequest, subscriber: Subscriber, now: datetime) -> str | dict[str, Any]:
    """Do what the pressed button asks for, or nothing without one.

    Returns the query string for the next page, or, if the reader must correct something, the
    context that tells them.
    """
    if _length(request) > bibliography.MOST_BYTES + _FORM_BYTES:
        _drain(request)
        return {"library_error": str(bibliography.too_large())}
    if "forget" in request.POST:
        examples.forget_library(subscriber)
        return "forgotten"
    if "library" in request.POST:
        if abuse.uploads_too_often(subscriber.pk):
            said = _("You have imported ten libraries in the last hour. Please try again later.")
            return {"library_error": said, "pasted": request.POST.get("pasted", "")}
        try:
            done = examples.add_library(subscriber, _library(request), now)
        except Unreadable as error:
            return {"library_error": str(error), "pasted": request.POST.get("pasted", "")}
        return f"known={done.known}&of={done.number}&bad={done.bad}"
    if "save" not in request.POST:
        return ""
    ticked = _ticked(request.POST)
    if len(ticked) > examples.MOST:
        return {"ticked": ticked, "is_too_many": True}
    examples.pick(subscriber, ticked, now)
    return "saved"


def _library(request: HttpRequest) -> Library:
    """Return what the file and the pasted text contain together. Raises `Unreadable`."""
    file, pasted = request.FILES.get("file"), request.POST.get("pasted", "").strip()
    given = [file.read() if file else b"", pasted.encode(errors="replace")]
    libraries = [bibliography.read(content) for content in given if content]
    if not libraries:
        raise Unreadable(_("Choose a file or paste its text."))
    return sum(libraries[1:], start=libraries[0])


def _ticked(asked: QueryDict) -> list[int]:
    """Return the ids of the ticked papers, each once, at most `_MOST_TICKED`."""
    ids = [text for text in asked.getlist("paper") if text.isdecimal() and len(text) < 19]
    return list(dict.fromkeys(map(int, ids)))[:_MOST_TICKED]


def _length(request: HttpRequest) -> int:
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said) if said.isdecimal() else 0


def _drain(request: HttpRequest) -> None:
    for _read in range(0, _MOST_DRAINED, 65536):
        if not request.read(65536):
            return


# --- showing -------------------------------------------------------------------------------
def _after(asked: QueryDict, subscriber: Subscriber, now: datetime) -> dict[str, Any]:
    """Return the context that confirms what was just done, according to the query string."""
    if "q" in asked:
        return {"ticked": _ticked(asked)}
    said: dict[str, Any] = {
        "is_saved": "saved" in asked,
        "is_forgotten": "forgotten" in asked,
        "next_digest": preferences.next_digest_in_words(subscriber, now),
    }
    figures = [asked.get(name, "") for name in ("known", "of", "bad")]
    if all(figure.isdecimal() and len(figure) < 6 for figure in figures):
        said["imported"] = examples.Imported(*map(int, figures))
    return said


def _lists(asked: QueryDict, subscriber: Subscriber, ticked: list[int] | None) -> dict[str, Any]:
    """Return the context with papers that are picked or ticked, found, and offered."""
    saved = examples.picked(subscriber)
    chosen = examples.papers(saved if ticked is None else ticked)
    shown = {candidate.paper_id for candidate in chosen}
    text = searching.cleaned(asked.get("q", ""))
    found: list[EditionPaper] = []
    if text:
        result = searching.search(EditionPaper.objects.public(), text, start=0, number=FOUND)
        found = [each for each in (*result.papers, *result.alike) if each.paper_id not in shown]
        found = found[:FOUND]
        shown |= {candidate.paper_id for candidate in found}
    offered = examples.offered(subscriber, shown)
    topics: dict[int, Topic] = Topic.objects.in_bulk()
    return {
        "chosen": listed(chosen, topics),
        "found": listed(found, topics),
        "offered": listed(offered, topics),
        "text": text,
        "is_unsaved": ticked is not None and set(ticked) != set(saved),
        "from_library": examples.from_library(subscriber),
        "most": examples.MOST,
    }
