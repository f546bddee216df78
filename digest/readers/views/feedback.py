"""Pages behind the links in a digest: read it, vote on a paper, mute; and the followed link.

GET and HEAD show, POST acts. Programs open every link in a mail and some press nothing but run
scripts: nothing here acts by itself.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.choosing import reasons
from digest.models import Digest, EditionPaper, Paper, Vote
from digest.papers.cards import PaperCard, best_topic, describe, title_of
from digest.readers import feedback
from digest.sources.keys import web_link
from subscribers import links
from subscribers.models import Link, Subscriber, Subscription, Topic
from subscribers.views.links import token_page
from subscribers.wishes import terms

# The papers' first authors that can be muted from the page; nobody looks for the 600th there.
OFFERED_AUTHORS = 5
OFFERED_TOPICS = 3


@token_page
def read(request: HttpRequest, token: str, day: str) -> HttpResponse:
    """A digest on the web: the papers of its row, in order, with their reasons and figures.

    None of the mail's other links stands here, for people pass on the addresses of pages.
    """
    subscriber = links.find(token, Link.Purpose.READ, timezone.now()).subscriber
    digest = (
        Digest.objects.filter(subscriber=subscriber, edition__date=_date(day))
        .exclude(paper_ids=[])
        .select_related("edition")
        .first()
    )
    if digest is None:
        raise links.BadLink
    with override(subscriber.language):
        is_weekly = subscriber.frequency == Subscriber.Frequency.WEEKLY
        context = {
            "date": digest.edition.date,
            "number": len(digest.paper_ids),
            "is_weekly": is_weekly,
            "sections": _sections(digest, is_weekly=is_weekly),
        }
        return render(request, "digest/feedback/read.html", context)


@token_page
def vote(request: HttpRequest, token: str, paper_id: str) -> HttpResponse:
    """Say more or less like a paper that one was sent, take it back, mute; and on to the next."""
    now = timezone.now()
    subscriber = links.find(token, Link.Purpose.VOTE, now).subscriber
    if subscriber.state != Subscriber.State.ACTIVE:
        return render(request, "subscribers/not_subscribed.html", {"subscriber": subscriber})
    digest = feedback.digest_with(subscriber, int(paper_id))
    if digest is None:
        raise links.BadLink
    if request.method == "POST":
        query = _act(request.POST, subscriber, Paper.objects.get(pk=paper_id), now)
        # A page that is loaded again must not vote again (303).
        return HttpResponseRedirect(request.path + query, status=303)
    with override(subscriber.language):
        context = _vote_context(request.GET, subscriber, digest, int(paper_id))
        return render(request, "digest/feedback/vote.html", {**context, "token": token})


@never_cache
@require_safe
def follow(request: HttpRequest, uuid: str, paper_id: str) -> HttpResponse:
    """On to a paper, where the operator wants clicks counted.

    The address comes from the database and from nowhere else. Links in old mails lead on when
    the counting was switched off.
    """
    digest = Digest.objects.filter(uuid=UUID(uuid), paper_ids__contains=[int(paper_id)]).first()
    paper = Paper.objects.filter(pk=paper_id).first()
    address = web_link(paper.url) if paper else ""
    if digest is None or not address:
        raise Http404
    is_counted = settings.TRACK_CLICKS and digest.subscriber_id is not None
    if is_counted and request.method == "GET":
        feedback.record_click(digest, int(paper_id), timezone.now())
    response = HttpResponseRedirect(address)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


# --- reading -------------------------------------------------------------------------------
def _date(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise links.BadLink from error


def _sections(digest: Digest, *, is_weekly: bool) -> list[tuple[str, list[tuple[PaperCard, str]]]]:
    """The papers with their reasons; in a weekly digest under their topics, as in the mail."""
    names = Topic.labels()
    candidates = _candidates(digest.paper_ids)
    sections: dict[str, list[tuple[PaperCard, str]]] = {}
    for paper_id, code in zip(digest.paper_ids, digest.reasons, strict=True):
        candidate = candidates[paper_id]
        topic_id = reasons.topic_of(code) or best_topic(candidate)
        heading = names.get(topic_id or 0, _("More for you")) if is_weekly else ""
        shown = (describe(candidate), reasons.words(code, names))
        sections.setdefault(heading, []).append(shown)
    return list(sections.items())


def _candidates(paper_ids: Sequence[int]) -> dict[int, EditionPaper]:
    """A paper is a candidate of one edition only: these figures are those of the mail."""
    candidates = EditionPaper.objects.filter(paper__in=paper_ids).select_related("paper")
    return {candidate.paper_id: candidate for candidate in candidates}


# --- voting --------------------------------------------------------------------------------
def _act(posted: QueryDict, subscriber: Subscriber, paper: Paper, now: datetime) -> str:
    """Do what a button asks for; an unknown one asks for nothing. Answers what the next page
    needs to know, as a query."""
    wish = posted.get("w", "")
    if wish in VALUES:
        feedback.vote(subscriber, paper, VALUES[wish], Vote.Origin.MAIL, now)
    elif wish == "undo":
        feedback.undo(subscriber, paper)
    elif (name := posted.get("author", "")) in paper.authors:
        if wish == "mute":
            terms.mute_author(subscriber, name)
        elif wish == "unmute":
            terms.unmute_author(subscriber, name)
    elif topic := Topic.objects.filter(slug=posted.get("topic", "")).first():
        if wish == "mute":
            before = feedback.mute_topic(subscriber, topic)
            return "" if before is None else f"?was={before}"
        if wish == "unmute":
            feedback.unmute_topic(subscriber, topic, EMPHASES.get(posted.get("was", "")))
    return ""


VALUES = {"more": Vote.Value.MORE, "less": Vote.Value.LESS}
EMPHASES = {str(emphasis.value): emphasis for emphasis in Subscription.Emphasis}


def _vote_context(
    asked: QueryDict, subscriber: Subscriber, digest: Digest, paper_id: int
) -> dict[str, Any]:
    candidates = _candidates(digest.paper_ids)
    given = dict(
        Vote.objects.filter(subscriber=subscriber, paper__in=digest.paper_ids).values_list(
            "paper_id", "value"
        )
    )
    names = Topic.labels()
    place = digest.paper_ids.index(paper_id)
    code = digest.reasons[place]
    topics = _topics(subscriber, candidates[paper_id])
    authors = _authors(subscriber, candidates[paper_id].paper)
    return {
        "paper": describe(candidates[paper_id]),
        "reason": reasons.words(code, names),
        "contributions": reasons.contributions_in_words(digest.contributions, place),
        "value": given.get(paper_id),
        "asked": asked.get("w", "")[:4],
        "was": asked.get("was", ""),
        "topics": topics,
        "authors": authors,
        "has_muted": any(is_muted for _what, is_muted in (*topics, *authors)),
        "others": [
            (other, title_of(candidates[other].paper), given.get(other))
            for other in digest.paper_ids
            if other != paper_id
        ],
    }


def _topics(subscriber: Subscriber, candidate: EditionPaper) -> list[tuple[Topic, bool]]:
    """The topics that the paper fits best, and whether the reader has muted them."""
    best = sorted(candidate.fits, key=candidate.fits.__getitem__, reverse=True)[:OFFERED_TOPICS]
    muted = set(
        Subscription.objects.filter(
            subscriber=subscriber, emphasis=Subscription.Emphasis.MUTED
        ).values_list("topic_id", flat=True)
    )
    return [(topic, topic.pk in muted) for topic in Topic.objects.filter(pk__in=best)]


def _authors(subscriber: Subscriber, paper: Paper) -> list[tuple[str, bool]]:
    """The first authors, and whether the reader has muted them."""
    names = paper.authors[:OFFERED_AUTHORS]
    muted = feedback.muted_authors(subscriber, names)
    return [(name, name in muted) for name in names]
