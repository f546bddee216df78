"""The newest papers for feed readers, of all topics or one, as Atom and as JSON Feed 1.1.

https://www.rfc-editor.org/rfc/rfc4287 and https://www.jsonfeed.org/version/1.1/
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed, SyndicationFeed
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from digest.models import EditionPaper
from digest.papers.cards import page_url, source_name, title_of
from subscribers.models import Topic

from . import archive

LENGTH = 60
NAMED_AUTHORS = 20
# Valid in Unicode text, but not in XML: https://www.w3.org/TR/xml/#charsets
_NOT_IN_XML = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
)


class AtomFeed(Atom1Feed):
    """Atom with an element for each author. Django's own class writes one author per item."""

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        # Atom demands an author: https://www.rfc-editor.org/rfc/rfc4287#section-4.1.2
        for name in item["names"] or [item["publisher"]]:
            handler.startElement("author", {})
            handler.addQuickElement("name", name)
            handler.endElement("author")
        super().add_item_elements(handler, item)


class JsonFeed(SyndicationFeed):
    content_type = "application/feed+json; charset=utf-8"

    def write(self, outfile: Any, encoding: str) -> None:
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.feed["title"],
            "description": self.feed["subtitle"],
            "home_page_url": self.feed["link"],
            "feed_url": self.feed["feed_url"],
            "language": self.feed["language"],
            "items": [self._item(item) for item in self.items],
        }
        outfile.write(json.dumps(feed, ensure_ascii=False).encode(encoding))

    @staticmethod
    def _item(item: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": item["unique_id"],
            "url": item["link"],
            "title": item["title"],
            "content_html": item["description"],
            "date_published": item["pubdate"].isoformat(),
            "date_modified": item["updateddate"].isoformat(),
            "authors": [{"name": name} for name in item["names"]],
            "tags": list(item["categories"]),
        }


class AtomPapers(Feed[EditionPaper, Topic | None]):
    """The papers of the newest editions, limited to one topic if the address names one."""

    feed_type: type[SyndicationFeed] = AtomFeed
    form = "atom"

    def get_object(self, request: HttpRequest, slug: str = "") -> Topic | None:
        return get_object_or_404(Topic, slug=slug) if slug else None

    def title(self, topic: Topic | None) -> str:
        return f"{settings.SITE_NAME}: {topic.label}" if topic else settings.SITE_NAME

    def subtitle(self, topic: Topic | None) -> str:
        return topic.about if topic else _("The day’s trending research papers")

    description = subtitle

    def link(self, topic: Topic | None) -> str:
        path = reverse("digest:topic", args=[topic.slug]) if topic else reverse("digest:today")
        return f"{settings.SITE_URL}{path}"

    def feed_url(self, topic: Topic | None) -> str:
        named = f"digest:topic_{self.form}" if topic else f"digest:{self.form}"
        return f"{settings.SITE_URL}{reverse(named, args=[topic.slug] if topic else [])}"

    feed_guid = link

    def items(self, topic: Topic | None) -> Iterable[EditionPaper]:
        if topic:
            return archive.on_topic(topic)[:LENGTH]
        papers = EditionPaper.objects.public().order_by("-edition__date", "-votes", "pk")
        return list(papers[:LENGTH])

    def item_title(self, item: EditionPaper) -> str:
        return in_xml(title_of(item.paper))

    def item_description(self, item: EditionPaper) -> SafeString:
        return format_html("<p>{}</p>", in_xml(item.paper.abstract))

    def item_link(self, item: EditionPaper) -> str:
        return page_url(item.paper)

    def item_guid(self, item: EditionPaper) -> str:
        """Return an id that stays the same when a new title changes the page's address."""
        return f"{settings.SITE_URL}/papers/{item.paper_id}/"

    def item_pubdate(self, item: EditionPaper) -> datetime:
        assert item.edition.closed_at is not None
        return item.edition.closed_at

    def item_updateddate(self, item: EditionPaper) -> datetime:
        return max(self.item_pubdate(item), item.paper.changed_at)

    def item_categories(self, item: EditionPaper) -> list[str]:
        return [in_xml(name) for name in item.paper.categories]

    def item_extra_kwargs(self, item: EditionPaper) -> dict[str, Any]:
        names = item.paper.authors[:NAMED_AUTHORS]
        publisher = item.paper.organization or source_name(item.paper)
        return {"names": [in_xml(name) for name in names], "publisher": in_xml(publisher)}


class JsonPapers(AtomPapers):
    feed_type = JsonFeed
    form = "json"


def in_xml(text: str) -> str:
    """Return the text without what no XML document may contain."""
    return text.translate(_NOT_IN_XML)
