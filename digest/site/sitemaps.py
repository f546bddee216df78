"""The public pages, for search engines."""

from datetime import datetime

from django.contrib.sitemaps import Sitemap
from django.db.models import Max, QuerySet
from django.urls import reverse

from digest.models import Edition, Paper
from digest.papers.cards import slug_of
from subscribers.models import Topic

# A sitemap may hold fifty thousand addresses; search engines reread smaller ones sooner.
LENGTH = 5000


class Pages(Sitemap[str]):
    def items(self) -> list[str]:
        return ["subscribers:front", "digest:today", "digest:topics", "digest:archive"]

    def location(self, item: str) -> str:
        return reverse(item)


class Topics(Sitemap[Topic]):
    def items(self) -> QuerySet[Topic]:
        return Topic.objects.filter(is_offered=True)

    def location(self, item: Topic) -> str:
        return reverse("digest:topic", args=[item.slug])


class Editions(Sitemap[Edition]):
    limit = LENGTH

    def items(self) -> QuerySet[Edition]:
        closed: QuerySet[Edition] = Edition.objects.closed().order_by("date")
        return closed

    def location(self, item: Edition) -> str:
        return reverse("digest:edition", args=[item.date.isoformat()])

    def lastmod(self, item: Edition) -> datetime | None:
        return item.closed_at


class Papers(Sitemap[Paper]):
    limit = LENGTH

    def items(self) -> QuerySet[Paper]:
        public = Paper.objects.exclude(candidate__edition__closed_at=None)
        return public.only("title", "key", "changed_at").order_by("pk")

    def location(self, item: Paper) -> str:
        return reverse("digest:paper", args=[item.pk, slug_of(item)])

    def lastmod(self, item: Paper) -> datetime:
        return item.changed_at

    def get_latest_lastmod(self) -> datetime | None:
        """Ask the database, where Django would load every paper."""
        newest: datetime | None = self.items().aggregate(at=Max("changed_at"))["at"]
        return newest


SITEMAPS = {"pages": Pages, "topics": Topics, "editions": Editions, "papers": Papers}
