"""The page to vote on the papers of a digest, and to mute a topic or an author."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.utils.translation import override

from digest.choosing import reasons
from digest.models import Digest, EditionPaper, Paper, Vote
from digest.papers.cards import describe
from digest.readers import effects, mutes, saved, votes
from subscribers import links
from subscribers.models import Link, Subscriber, Subscription, Topic
from subscribers.views.language import render_for
from subscribers.views.links import token_page
from subscribers.wishes import terms

from .ways import back_to

# The page offers to mute a paper's first authors. Nobody would look for the 600th here.
OFFERED_AUTHORS = 5
OFFERED_TOPICS = 3
# So many of the digest's next papers are described; the others are listed by title.
NEXT = 3
_VALUES = {"more": Vote.Value.MORE, "less": Vote.Value.LESS}
_EMPHASES = {str(emphasis.value): emphasis for emphasis in Subscription.Emphasis}


@token_page
def vote(request: HttpRequest, token: str, paper_id: str) -> HttpResponse:
    """Vote on a paper that the reader was sent, undo that, mute, or go on to the next paper.

    Forms on other private pages also vote on other papers of closed editions, and lead back there.
    """
    now = timezone.now()
    link = links.find(token, Link.Purpose.VOTE, now)
    reader = link.subscriber
    if reader.state != Subscriber.State.ACTIVE:
        return render_for(reader, request, "subscribers/not_subscribed.html")
    digest = votes.digest_with(reader, int(paper_id))
    if request.method == "POST":
        back = request.POST.get("back", "")
        if digest is None and not (back and _is_public(int(paper_id))):
            raise links.BadLink
        query = _act(request.POST, reader, Paper.objects.get(pk=paper_id), now)
        # 303, so that reloading the page does not vote again.
        path, mark, place = back_to(link, back, int(paper_id)).partition("#")
        return HttpResponseRedirect(f"{path or request.path}{query}{mark}{place}", status=303)
    if digest is None:
        raise links.BadLink
    with override(reader.language):
        context = {**_context(request.GET, link, digest, int(paper_id)), "token": token}
        return render_for(reader, request, "digest/readers/vote.html", context)


def _is_public(paper_id: int) -> bool:
    return bool(EditionPaper.objects.public().filter(paper=paper_id).exists())


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


def _context(asked: QueryDict, link: Link, digest: Digest, paper_id: int) -> dict[str, Any]:
    reader = link.subscriber
    candidates = EditionPaper.objects.by_paper(digest.paper_ids)
    theirs = Vote.objects.filter(subscriber=reader, paper__in=digest.paper_ids)
    given = dict(theirs.values_list("paper_id", "value"))
    place, candidate, value = (
        digest.paper_ids.index(paper_id),
        candidates[paper_id],
        given.get(paper_id),
    )
    topics = _topics(reader, candidate)
    authors = _authors(reader, candidate.paper)
    others = _others(digest, place, given)
    return {
        "pk": paper_id,
        "paper": describe(candidate),
        "reason": reasons.words(digest.reasons[place], Topic.labels()),
        "contributions": reasons.contributions_in_words(digest.contributions, place),
        "value": value,
        "effect": effects.effect_of(value, candidate, [one for one, _ in topics])
        if value
        else None,
        "asked": asked.get("w", "")[:4],
        "was": asked.get("was", ""),
        "topics": topics,
        "authors": authors,
        "has_muted": any(is_muted for _what, is_muted in (*topics, *authors)),
        "saved_token": links.beside(link).saved,
        "is_saved": paper_id in saved.kept_among(reader, [paper_id]),
        "next": [(pk, describe(candidates[pk]), given.get(pk)) for pk in others[:NEXT]],
        "others": [(pk, describe(candidates[pk]), given.get(pk)) for pk in others[NEXT:]],
    }


def _others(digest: Digest, place: int, given: dict[int, int]) -> list[int]:
    """Return the digest's other papers: first those to vote on next, in its order."""
    around = [*digest.paper_ids[place + 1 :], *digest.paper_ids[:place]]
    return sorted(around, key=lambda pk: pk in given)


def _topics(subscriber: Subscriber, candidate: EditionPaper) -> list[tuple[Topic, bool]]:
    """Return the topics that the paper fits best, the best first, and whether each is muted."""
    best = sorted(candidate.fits, key=candidate.fits.__getitem__, reverse=True)[:OFFERED_TOPICS]
    muted = mutes.muted_topics(subscriber)
    found = Topic.objects.in_bulk([int(topic) for topic in best])
    return [(found[int(pk)], int(pk) in muted) for pk in best if int(pk) in found]


def _authors(subscriber: Subscriber, paper: Paper) -> list[tuple[str, bool]]:
    """Return the paper's first authors, and whether the reader has muted each."""
    names = paper.authors[:OFFERED_AUTHORS]
    muted = mutes.muted_authors(subscriber, names)
    return [(name, name in muted) for name in names]
