"""The page "Papers you like": examples of what to send, picked by hand or from a library.

GET and HEAD show, POST acts. To look for more papers is a GET that carries what is ticked along,
so that nothing ticked is lost and nothing is saved unasked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from digest.models import EditionPaper
from digest.papers.cards import PaperCard, best_topic, describe
from digest.readers import bibliography, examples
from digest.readers.bibliography import Library, Unreadable
from digest.site import archive, searching
from subscribers import links
from subscribers.joining import abuse
from subscribers.models import Link, Subscriber, Topic
from subscribers.views.links import token_page
from subscribers.views.speaking import render_for
from subscribers.wishes import preferences

FOUND = 8
_MOST_TICKED = 100
# What a form says beside the library in it.
_FORM_BYTES = 50_000
# A browser shows our answer only when it has sent all that it wanted to. Further we do not read.
_MOST_DRAINED = 32_000_000


@dataclass(frozen=True, slots=True)
class _Choice:
    """A paper with its box."""

    pk: int
    card: PaperCard
    topic: Topic | None


@token_page
def choose(request: HttpRequest, token: str) -> HttpResponse:
    """Pick papers, find others, or hand over a library; see and take back what was chosen."""
    now = timezone.now()
    subscriber = links.find(token, Link.Purpose.PREFERENCES, now).subscriber
    if subscriber.state != Subscriber.State.ACTIVE:
        return render_for(subscriber, request, "subscribers/not_subscribed.html")
    with override(subscriber.language):
        shown: dict[str, Any] = {"token": token}
        if request.method == "POST":
            answer = _act(request, subscriber, now)
            if isinstance(answer, str):
                # A page that is loaded again must not act again (303).
                return HttpResponseRedirect(f"{request.path}?{answer}".rstrip("?"), status=303)
            shown |= answer
        else:
            shown |= _said_before(request.GET, subscriber, now)
        shown = _lists(request.GET, subscriber, shown.get("ticked")) | shown
        return render_for(subscriber, request, "digest/seeds.html", shown)


# --- acting --------------------------------------------------------------------------------
def _act(request: HttpRequest, subscriber: Subscriber, now: datetime) -> str | dict[str, Any]:
    """Do what a button asks for; without one nothing. Answers what the next page needs to know,
    as a query; or, if nothing could be done, what this page needs to say why."""
    if _length(request) > bibliography.MOST_BYTES + _FORM_BYTES:
        _drain(request)
        return {"library_error": str(bibliography.too_large())}
    if "forget" in request.POST:
        examples.forget_library(subscriber)
        return "forgotten"
    if "library" in request.POST:
        if abuse.brings_too_much(subscriber.pk):
            said = _("You have brought a library ten times within the hour. Please try later.")
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
    """What the file and the pasted text hold together. Raises `Unreadable`."""
    file, pasted = request.FILES.get("file"), request.POST.get("pasted", "").strip()
    given = [file.read() if file else b"", pasted.encode(errors="replace")]
    libraries = [bibliography.read(content) for content in given if content]
    if not libraries:
        raise Unreadable(_("Choose a file, or paste its text."))
    return sum(libraries[1:], start=libraries[0])


def _ticked(asked: QueryDict) -> list[int]:
    """The papers of the ticked boxes, each once, and no more than a page ever has."""
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
def _said_before(asked: QueryDict, subscriber: Subscriber, now: datetime) -> dict[str, Any]:
    """What the address says that was just done."""
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
    """What is picked or ticked, what was found, and what else there is to pick from."""
    saved = examples.picked(subscriber)
    chosen = examples.papers(saved if ticked is None else ticked)
    listed = {candidate.paper_id for candidate in chosen}
    text = searching.cleaned(asked.get("q", ""))
    found: list[EditionPaper] = []
    if text:
        result = searching.search(archive.public(), text, start=0, number=FOUND)
        found = [each for each in (*result.papers, *result.alike) if each.paper_id not in listed]
        found = archive.with_newest_figures(found[:FOUND])
        listed |= {candidate.paper_id for candidate in found}
    offered = archive.with_newest_figures(examples.offered(subscriber, listed))
    topics: dict[int, Topic] = Topic.objects.in_bulk()
    return {
        "chosen": _choices(archive.with_newest_figures(chosen), topics),
        "found": _choices(found, topics),
        "offered": _choices(offered, topics),
        "text": text,
        "is_unsaved": ticked is not None and set(ticked) != set(saved),
        "from_library": examples.from_library(subscriber),
        "most": examples.MOST,
    }


def _choices(candidates: Sequence[EditionPaper], topics: dict[int, Topic]) -> list[_Choice]:
    return [
        _Choice(each.paper_id, describe(each), topics.get(best_topic(each) or 0))
        for each in candidates
    ]
