"""The page that asks a reader to rate a few papers: after confirming, or whenever they like.

GET and HEAD only show; POST acts. A paper may always be left without an opinion.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.utils.translation import override

from digest.models import Vote
from digest.readers import examples, ratings
from digest.site.listings import listed
from subscribers import links
from subscribers.models import Link, Subscriber, Topic
from subscribers.views.language import render_for
from subscribers.views.links import token_page
from subscribers.wishes import preferences

# How the fields of the form are named, before the paper's id.
_FIELD = "paper-"
# Papers that were shown and left without an opinion, in the address: ids with hyphens between them.
_PASSED = "passed"
# Those of four pages; an address of a kilobyte.
_MOST_PASSED = 4 * ratings.NUMBER
_OPINIONS: Mapping[str, Vote.Value | None] = {
    "more": Vote.Value.MORE,
    "less": Vote.Value.LESS,
    "undo": None,
}


@token_page
def rate(request: HttpRequest, token: str) -> HttpResponse:
    """Show recent papers and what the reader said of others before; store what they say now."""
    now = timezone.now()
    subscriber = links.find(token, Link.Purpose.PREFERENCES, now).subscriber
    if subscriber.state != Subscriber.State.ACTIVE:
        return render_for(subscriber, request, "subscribers/not_subscribed.html")
    passed = str(request.GET.get(_PASSED, "")).split("-")
    if request.method == "POST":
        opinions = _opinions(request.POST)
        ratings.rate(subscriber, opinions, now)
        # 303, so that reloading the page does not act again.
        done, left = ("?saved", _left_out(request.POST)) if opinions else ("?nothing", [])
        done += _query("&", _ids([*passed, *left]))
        return HttpResponseRedirect(f"{request.path}{done}", status=303)
    is_saved = "saved" in request.GET
    with override(subscriber.language):
        context = {
            "token": token,
            "is_saved": is_saved,
            "is_empty": "nothing" in request.GET,
            "next_digest": preferences.next_digest_in_words(subscriber, now),
            "passed": _query("?", _ids(passed)),
            **_papers(subscriber, _ids(passed), is_saved=is_saved),
        }
        return render_for(subscriber, request, "digest/readers/rate.html", context)


def _left_out(posted: QueryDict) -> list[str]:
    """Return the ids of the papers of which the form says nothing."""
    names = [name for name, opinion in posted.items() if name.startswith(_FIELD) and not opinion]
    return [name.removeprefix(_FIELD) for name in names]


def _ids(texts: Sequence[str]) -> list[int]:
    return [int(text) for text in texts if _is_id(text)][-_MOST_PASSED:]


def _query(sign: str, passed: Sequence[int]) -> str:
    return f"{sign}{_PASSED}={'-'.join(map(str, passed))}" if passed else ""


def _is_id(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _opinions(posted: QueryDict) -> dict[int, Vote.Value | None]:
    """Return what the form says of each paper. Papers without an opinion are left out."""
    said = {name.removeprefix(_FIELD): posted[name] for name in posted if name.startswith(_FIELD)}
    known = [
        (int(text), _OPINIONS[str(opinion)])
        for text, opinion in said.items()
        if opinion in _OPINIONS and _is_id(text)
    ]
    return dict(known[: ratings.NUMBER + ratings.MOST_SHOWN])


def _papers(subscriber: Subscriber, passed: Sequence[int], *, is_saved: bool) -> dict[str, Any]:
    """Return the papers to rate, and those that were voted on before.

    A reader who has just saved, and has marked enough, is asked no more.
    """
    values = ratings.given(subscriber)
    marked = sum(value == Vote.Value.MORE for value in values.values())
    is_enough = is_saved and marked >= ratings.ENOUGH
    asked = [] if is_enough else ratings.asked(subscriber, passed)
    rated = examples.papers(list(values))
    topics: dict[int, Topic] = Topic.objects.in_bulk()
    return {
        "asked": listed(asked, topics),
        "marked": marked,
        "enough": ratings.ENOUGH,
        "rated": [(entry, values[entry.pk]) for entry in listed(rated, topics)],
    }
