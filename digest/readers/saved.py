"""The papers that a reader keeps, with notes of their own. They say nothing to the ranking.

Their feed is Atom, for Zotero and others: https://www.rfc-editor.org/rfc/rfc4287
"""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.utils.html import format_html, linebreaks
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from digest.models import EditionPaper, Saved
from digest.papers.cards import page_url, source_name, title_of
from digest.site.feeds import NAMED_AUTHORS, AtomFeed, in_xml
from digest.sources.keys import web_link
from subscribers.models import Subscriber

from . import bibliography
from .examples import Imported, known_papers

# More than anybody reads. The exports hold all of them.
MOST = 2000
# How many of them the feed holds.
FEED_LENGTH = 200


class TooMany(Exception):
    """The reader keeps as many papers as we keep for one."""


def save(subscriber: Subscriber, paper_ids: Collection[int], now: datetime) -> int:
    """Keep these papers, those of them that are public. Safe to repeat. Raises TooMany.

    Returns how many of them the reader has not kept before.
    """
    before = set(_of(subscriber).values_list("paper_id", flat=True))
    wanted = EditionPaper.objects.public().filter(paper__in=set(paper_ids) - before)
    new = list(wanted.order_by("paper_id").values_list("paper_id", flat=True))
    if len(before) + len(new) > MOST:
        raise TooMany
    rows = [Saved(subscriber=subscriber, paper_id=paper_id, at=now) for paper_id in new]
    Saved.objects.bulk_create(rows, ignore_conflicts=True)
    return len(new)


def save_named(subscriber: Subscriber, text: str, now: datetime) -> Imported:
    """Keep the papers that this text names: links, DOIs, arXiv ids, or a bibliography.

    Raises `bibliography.Unreadable` and TooMany.
    """
    ours = set(map(int, _own_pages(text)))
    library = bibliography.read(text.encode(errors="replace"))
    named = ours | {paper_id for paper_id in known_papers(library.references) if paper_id}
    public = EditionPaper.objects.public().filter(paper__in=named)
    known = set(public.values_list("paper_id", flat=True))
    save(subscriber, known, now)
    number = len(library.references) + library.bad
    return Imported(min(len(known), number), number, library.bad)


def _own_pages(text: str) -> list[str]:
    """Return the ids of papers in addresses of our own pages, as people copy them."""
    host = re.escape(settings.SITE_URL.partition("//")[2])
    return re.findall(rf"//{host}/papers/([0-9]{{1,18}})(?![0-9])", text)


def forget(subscriber: Subscriber, paper_id: int) -> None:
    """Keep the paper, and the note on it, no longer."""
    _of(subscriber).filter(paper=paper_id).delete()


def write_note(subscriber: Subscriber, paper_id: int, note: str) -> None:
    """Replace the note on a paper that the reader keeps."""
    clean = note.replace("\r\n", "\n").replace("\x00", "").strip()[: Saved.NOTE_LENGTH]
    _of(subscriber).filter(paper=paper_id).update(note=clean)


def number_of(subscriber: Subscriber) -> int:
    return _of(subscriber).count()


def kept_among(subscriber: Subscriber, paper_ids: Collection[int]) -> set[int]:
    """Return which of these papers the reader keeps."""
    return set(_of(subscriber).filter(paper__in=paper_ids).values_list("paper_id", flat=True))


def newest(subscriber: Subscriber, *, start: int = 0, number: int = MOST) -> Sequence[Saved]:
    """Return what the reader keeps, the newest first, with the papers."""
    rows = _of(subscriber).select_related("paper").order_by("-at", "-pk")
    large = ("paper__search", "paper__names", "paper__features")
    return list(rows.defer(*large)[start : start + number])


def _of(subscriber: Subscriber) -> QuerySet[Saved]:
    return Saved.objects.filter(subscriber=subscriber)


# --- the feed ------------------------------------------------------------------------------
def feed(rows: Sequence[Saved]) -> str:
    """Return the feed, with the papers in the order given."""
    made = AtomFeed(
        title=in_xml(_("Saved papers: %(site)s") % {"site": settings.SITE_NAME}),
        link=settings.SITE_URL,
        description="",
        language=get_language() or "en",
        # Neither the reader nor the address of the feed can be told from it.
        feed_guid=f"{settings.SITE_URL}/#saved-papers",
    )
    for row in rows:
        _add(made, row)
    return str(made.writeString("utf-8"))


def _add(feed: AtomFeed, row: Saved) -> None:
    paper = row.paper
    feed.add_item(
        title=in_xml(title_of(paper)),
        link=web_link(paper.url) or page_url(paper),
        description=_content(row),
        unique_id=f"{settings.SITE_URL}/papers/{paper.pk}/",
        pubdate=row.at,
        updateddate=max(row.at, paper.changed_at),
        categories=_texts(paper.categories),
        names=_texts(paper.authors[:NAMED_AUTHORS]),
        publisher=in_xml(paper.organization or source_name(paper)),
    )


def _content(row: Saved) -> SafeString:
    note = SafeString(linebreaks(in_xml(row.note), autoescape=True)) if row.note else ""
    return format_html("{}<p>{}</p>", note, in_xml(row.paper.abstract))


def _texts(texts: Iterable[str]) -> list[str]:
    return [in_xml(text) for text in texts]
