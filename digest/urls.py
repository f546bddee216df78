"""Addresses of the pages about papers. Those in mails must never change.

They work with and without a slash at the end, and with characters that mail programs append.
"""

from django.contrib.sitemaps.views import index, sitemap
from django.urls import path, re_path

from .readers.views import clicks, examples, ratings, votes, web_view
from .site import views as site
from .site.feeds import AtomPapers, JsonPapers
from .site.sitemaps import SITEMAPS

app_name = "digest"
_SITEMAPS = {"sitemaps": SITEMAPS, "sitemap_url_name": "digest:sitemap"}
_TOPIC = r"^topics/(?P<slug>[-\w]{1,40})"
urlpatterns = [
    re_path(r"^today/?$", site.today, name="today"),
    re_path(r"^archive/?$", site.editions, name="archive"),
    re_path(r"^archive/(?P<day>\d{4}-\d\d-\d\d)/?$", site.edition, name="edition"),
    re_path(r"^topics/?$", site.topics, name="topics"),
    re_path(rf"{_TOPIC}/?$", site.topic, name="topic"),
    re_path(rf"{_TOPIC}/feed\.atom$", site.public_page(AtomPapers()), name="topic_atom"),
    re_path(rf"{_TOPIC}/feed\.json$", site.public_page(JsonPapers()), name="topic_json"),
    path("feed.atom", site.public_page(AtomPapers()), name="atom"),
    path("feed.json", site.public_page(JsonPapers()), name="json"),
    re_path(r"^papers/(?P<pk>[0-9]{1,18})(?:/(?P<slug>[^/]*))?/?$", site.paper, name="paper"),
    re_path(r"^search/?$", site.search, name="search"),
    path("robots.txt", site.robots, name="robots"),
    path("sitemap.xml", index, _SITEMAPS, name="sitemap_index"),
    path("sitemap-<section>.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
    re_path(r"^p/(?P<token>[^/]+)/papers/?$", examples.choose, name="examples"),
    re_path(r"^p/(?P<token>[^/]+)/rate/?$", ratings.rate, name="rate"),
    re_path(r"^d/(?P<token>[^/]+)/(?P<day>\d{4}-\d\d-\d\d)[^/]*/?$", web_view.read, name="read"),
    re_path(
        r"^v/(?P<token>[^/]+)/(?P<paper_id>[0-9]{1,18})(?:[^/0-9][^/]*)?/?$",
        votes.vote,
        name="vote",
    ),
    re_path(
        r"^k/(?P<uuid>[0-9a-f]{32})/(?P<paper_id>[0-9]{1,18})(?:[^/0-9][^/]*)?/?$",
        clicks.follow,
        name="follow",
    ),
]
