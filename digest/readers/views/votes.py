"""The page to vote on the papers of a digest, and to mute a topic or an author."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import override

from digest.choosing import reasons
from digest.models import Digest, EditionPaper, Paper, Vote
from digest.papers.cards import describe, title_of
from digest.readers import mutes, votes
from subscribers import links
from subscribers.models import Link, Subscriber, Subscription, Topic
from subscribers.views.links import token_page
from subscribers.wishes import terms

# The page offers to mute a paper's first authors. Nobody would look for the 600th here.
OFFERED_AUTHORS = 5
OFFERED_TOPICS = 3
_VALUES = {"more": Vote.Value.MORE, "less": Vote.Value.LESS}
_EMPHASES = {str(emphasis.value): emphasis for emphasis in Subscription.Emphasis}


@token_page
def vote(request: HttpRequest, token: str, paper_id: str) -> HttpResponse:
    """Vote on a paper that the reader was sent, undo that, mute, or go on to the next paper."""
    now = timezone.now()
    subscriber = links.find(token, Link.Purpose.VOTE, now).subscriber
    if subscriber.state != Subscriber.State.ACTIVE:
        return render(request, "subscribers/not_subscribed.html", {"subscriber": subscriber})
    digest = votes.digest_with(subscriber, int(paper_id))
    if digest is None:
        raise links.BadLink
    if request.method == "POST":
        query = _act(request.POST, subscriber, Paper.objects.get(pk=paper_id), now)
        # 303, so that reloading the page does not vote again.
        return HttpResponseRedirect(request.path + query, status=303)
    with override(subscriber.language):
        context = _context(request.GET, subscriber, digest, int(paper_id))
        return render(request, "digest/readers/vote.html", {**context, "token": token})


def _act(posted: QueryDict, subscriber: Subscriber, paper: Paper, now: datetime) -> str:
    """Do what the pressed button asks for; ignore unknown ones.

    Returns the query string that tells the next page how to undo it, or "".
    """
    wish = posted.get("w", "")
    if wish in _VALUES:
        votes.vote(subscriber, paper, _VALUES[wish], Vote.Origin.MAIL, now)
    elif wish == "undo":
        votes.undo(subscriber, paper)
    elif (name := posted.get("author", "")) in paper.authors:
        if wish == "mute":
            terms.mute_author(subscriber, name)
        elif wish == "unmute":
            terms.unmute_author(subscriber, name)
    elif topic := Topic.objects.filter(slug=posted.get("topic", "")).first():
        if wish == "mute":
            before = mutes.mute_topic(subscriber, topic)
            return "" if before is None else f"?was={before}"
        if wish == "unmute":
            mutes.unmute_topic(subscriber, topic, _EMPHASES.get(posted.get("was", "")))
    return ""


def _context(
    asked: QueryDict, subscriber: Subscriber, digest: Digest, paper_id: int
) -> dict[str, Any]:
    candidates = EditionPaper.objects.by_paper(digest.paper_ids)
    theirs = Vote.objects.filter(subscriber=subscriber, paper__in=digest.paper_ids)
    given = dict(theirs.values_list("paper_id", "value"))
    place = digest.paper_ids.index(paper_id)
    topics = _topics(subscriber, candidates[paper_id])
    authors = _authors(subscriber, candidates[paper_id].paper)
    return {
        "paper": describe(candidates[paper_id]),
        "reason": reasons.words(digest.reasons[place], Topic.labels()),
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
    """Return the topics that the paper fits best, and whether the reader has muted each."""
    best = sorted(candidate.fits, key=candidate.fits.__getitem__, reverse=True)[:OFFERED_TOPICS]
    muted = mutes.muted_topics(subscriber)
    return [(topic, topic.pk in muted) for topic in Topic.objects.filter(pk__in=best)]


def _authors(subscriber: Subscriber, paper: Paper) -> list[tuple[str, bool]]:
    """Return the paper's first authors, and whether the reader has muted each."""
    names = paper.authors[:OFFERED_AUTHORS]
    muted = mutes.muted_authors(subscriber, names)
    return [(name, name in muted) for name in names]
