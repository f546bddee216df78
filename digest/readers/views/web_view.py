"""A digest on the web."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from digest.choosing import reasons
from digest.models import Curation, Digest, EditionPaper
from digest.papers.cards import PaperCard, best_topic, describe
from subscribers import links
from subscribers.models import Link, Subscriber, Topic
from subscribers.views.links import token_page


@token_page
def read(request: HttpRequest, token: str, day: str) -> HttpResponse:
    """Show the papers of a digest in order, with the reasons and figures of the mail.

    The mail's other links are left out, because people pass on the addresses of pages.
    """
    subscriber = links.find(token, Link.Purpose.READ, timezone.now()).subscriber
    digest = (
        Digest.objects.filter(subscriber=subscriber, edition__date=_date(day))
        .exclude(paper_ids=[])
        .order_by("-local_date")
        .first()
    )
    if digest is None:
        raise links.BadLink
    with override(subscriber.language):
        is_weekly = subscriber.frequency == Subscriber.Frequency.WEEKLY
        context = {
            "date": _date(day),
            "number": len(digest.paper_ids),
            "is_weekly": is_weekly,
            "sections": _sections(digest, is_weekly=is_weekly),
        }
        return render(request, "digest/readers/read.html", context)


def _date(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise links.BadLink from error


def _sections(digest: Digest, *, is_weekly: bool) -> list[tuple[str, list[tuple[PaperCard, str]]]]:
    """Return (heading, papers with reasons) pairs: by topic, as in the mail, if weekly."""
    names = Topic.labels()
    candidates = EditionPaper.objects.by_paper(digest.paper_ids)
    curated = Curation.objects.of(digest.paper_ids, digest.revision)
    sections: dict[str, list[tuple[PaperCard, str]]] = {}
    for paper_id, code in zip(digest.paper_ids, digest.reasons, strict=True):
        candidate = candidates[paper_id]
        words, topic_id = (
            reasons.words(code, names),
            reasons.topic_of(code) or best_topic(candidate),
        )
        heading = names.get(topic_id or 0, _("More for you")) if is_weekly else ""
        if is_weekly and code == reasons.PINNED:
            heading = words
        shown = (describe(candidate, curated.get(paper_id)), words)
        sections.setdefault(heading, []).append(shown)
    return list(sections.items())
