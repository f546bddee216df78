"""A digest on the web, with all that its mail can do, and the other papers of its day.

GET and HEAD only show. The forms lead to the pages behind the mail's other links, which act and
lead back here: each token keeps its one purpose.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from digest.choosing import reasons
from digest.models import Curation, Digest, EditionPaper, Vote
from digest.papers.cards import PaperCard, best_topic, describe, title_of
from digest.readers import mutes, saved
from digest.readers.rest import rest_of
from digest.site.listings import path_of
from subscribers import links
from subscribers.models import Link, Subscriber, Topic
from subscribers.views.language import render_for
from subscribers.views.links import token_page
from subscribers.wishes import preferences

# How many of the day's other papers the page describes. It lists the rest by title.
SHOWN = 20
# The page offers to mute a paper's best topics and its first authors.
_TOPICS, _AUTHORS = 2, 3


@token_page
def read(request: HttpRequest, token: str, day: str) -> HttpResponse:
    """Show the papers of a digest in order, with the reasons and figures of the mail."""
    link, digest = _digest_of(token, day)
    reader = link.subscriber
    with override(reader.language):
        is_weekly = reader.frequency == Subscriber.Frequency.WEEKLY
        papers = _Papers(link, digest.paper_ids, digest.revision)
        before, after = _neighbours(digest)
        context = {
            **papers.shared(request),
            "token": token,
            "date": _date(day),
            "back": day,
            "number": len(digest.paper_ids),
            "is_weekly": is_weekly,
            "sections": _sections(digest, papers, is_weekly=is_weekly),
            "before": before,
            "after": after,
            "next_digest": preferences.next_digest_in_words(reader, timezone.now()),
        }
        return render_for(reader, request, "digest/readers/read.html", context)


@token_page
def rest(request: HttpRequest, token: str, day: str) -> HttpResponse:
    """Show the other papers that a digest was chosen from, in the reader's order."""
    link, digest = _digest_of(token, day)
    reader = link.subscriber
    with override(reader.language):
        found = rest_of(digest, reader, timezone.now())
        papers = _Papers(link, found.paper_ids[:SHOWN], digest.revision)
        codes = [*found.reasons, *[""] * len(found.paper_ids)]
        others = EditionPaper.objects.public().by_paper(found.paper_ids[SHOWN:])
        titles = [others[pk].paper for pk in found.paper_ids[SHOWN:] if pk in others]
        context = {
            **papers.shared(request),
            "token": token,
            "date": _date(day),
            "back": f"{day}/rest",
            "number": len(found.paper_ids),
            "hidden": found.hidden,
            "is_weekly": reader.frequency == Subscriber.Frequency.WEEKLY,
            "papers": papers.listed(zip(found.paper_ids[:SHOWN], codes, strict=False)),
            "titles": [(title_of(paper), path_of(paper)) for paper in titles],
        }
        return render_for(reader, request, "digest/readers/rest.html", context)


# --- one paper -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Shown:
    """A paper of the page: its card, why it is there, and what the reader said of it.

    `topics` and `authors` can be muted; each comes with whether it is.
    """

    pk: int
    card: PaperCard
    reason: str
    topic_id: int | None
    vote: int
    is_saved: bool
    topics: Sequence[tuple[Topic, bool]]
    authors: Sequence[tuple[str, bool]]


class _Papers:
    """Some papers as this reader sees them. A constant number of queries."""

    def __init__(self, link: Link, paper_ids: Collection[int], revision: int) -> None:
        reader = link.subscriber
        self._reader, self._beside = reader, links.beside(link)
        self._candidates = EditionPaper.objects.by_paper(paper_ids)
        self._curated = Curation.objects.of(paper_ids, revision)
        self.topics: Mapping[int, Topic] = Topic.objects.in_bulk()
        self.names = {pk: topic.label for pk, topic in self.topics.items()}
        given = Vote.objects.filter(subscriber=reader, paper__in=paper_ids)
        self._votes: dict[int, int] = dict(given.values_list("paper_id", "value"))
        self._saved = saved.kept_among(reader, paper_ids)
        self._muted = mutes.muted_topics(reader)
        authors = {name for one in self._candidates.values() for name in _named(one)}
        self._muted_authors = mutes.muted_authors(reader, authors)

    def shared(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the page needs besides the papers: the tokens of its forms."""
        is_active = self._reader.state == Subscriber.State.ACTIVE
        return {
            "vote_token": self._beside.vote if is_active else "",
            "saved_token": self._beside.saved,
            "was": request.GET.get("was", "")[:2],
        }

    def listed(self, chosen: Any) -> list[Shown]:
        return [self.shown(pk, code) for pk, code in chosen if pk in self._candidates]

    def shown(self, paper_id: int, code: str) -> Shown:
        candidate = self._candidates[paper_id]
        fits = candidate.fits
        best = sorted(fits, key=fits.__getitem__, reverse=True)[:_TOPICS]
        topics = [self.topics[int(topic)] for topic in best if int(topic) in self.topics]
        return Shown(
            paper_id,
            describe(candidate, self._curated.get(paper_id)),
            reasons.words(code, self.names) if code else "",
            reasons.topic_of(code) or best_topic(candidate),
            self._votes.get(paper_id, 0),
            paper_id in self._saved,
            [(topic, topic.pk in self._muted) for topic in topics],
            [(name, name in self._muted_authors) for name in _named(candidate)],
        )


def _named(candidate: EditionPaper) -> list[str]:
    return list(candidate.paper.authors[:_AUTHORS])


# --- the digest ----------------------------------------------------------------------------
def _digest_of(token: str, day: str) -> tuple[Link, Digest]:
    link = links.find(token, Link.Purpose.READ, timezone.now())
    theirs = _read_digests(link.subscriber).filter(edition__date=_date(day))
    digest = theirs.order_by("-local_date").first()
    if digest is None:
        raise links.BadLink
    return link, digest


def _read_digests(reader: Subscriber | None) -> Any:
    """The digests that the reader can read: those that have papers."""
    theirs = Digest.objects.filter(subscriber=reader).exclude(paper_ids=[])
    return theirs.select_related("edition")


def _neighbours(digest: Digest) -> tuple[date | None, date | None]:
    """Return the days of the reader's digests before and after this one."""
    assert digest.edition is not None
    days = _read_digests(digest.subscriber).values_list("edition__date", flat=True)
    day = digest.edition.date
    before = days.filter(edition__date__lt=day).order_by("-edition__date").first()
    return before, days.filter(edition__date__gt=day).order_by("edition__date").first()


def _date(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise links.BadLink from error


def _sections(digest: Digest, papers: _Papers, *, is_weekly: bool) -> list[tuple[str, list[Shown]]]:
    """Return (heading, papers) pairs: by topic, as in the mail, if weekly.

    A heading that says a paper's reason stands for it.
    """
    sections: dict[str, list[Shown]] = {}
    for paper_id, code in zip(digest.paper_ids, digest.reasons, strict=True):
        is_pinned, topic_id = code == reasons.PINNED, reasons.topic_of(code)
        is_in_heading = is_weekly and (is_pinned or topic_id in papers.names)
        shown = papers.shown(paper_id, "" if is_in_heading else code)
        best = topic_id or shown.topic_id
        heading = papers.names.get(best or 0, _("More for you")) if is_weekly else ""
        if is_weekly and is_pinned:
            heading = reasons.words(code, papers.names)
        sections.setdefault(heading, []).append(shown)
    return list(sections.items())
