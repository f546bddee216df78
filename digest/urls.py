"""Addresses of the pages about papers. Those in mails must never change.

They work with and without a slash at the end, and with characters that mail programs append.
"""

from django.contrib.sitemaps.views import index, sitemap
from django.urls import path, re_path

from .api import gateway
from .readers.views import clicks, examples, preview, ratings, saved, votes, web_view
from .site import pictures
from .site import views as site
from .site.feeds import AtomPapers, JsonPapers
from .site.periods import Unit
from .site.sitemaps import SITEMAPS

app_name = "digest"
_SITEMAPS = {"sitemaps": SITEMAPS, "sitemap_url_name": "digest:sitemap"}
_TOPIC = r"^topics/(?P<slug>[-\w]{1,40})"
urlpatterns = [
    re_path(r"^api/v1(?:/(?P<rest>(?s:.*)))?\Z", gateway.answer, name="api"),
    re_path(r"^today/?$", site.today, name="today"),
    re_path(r"^archive/?$", site.calendar, name="archive"),
    *(
        re_path(rf"^archive/(?P<name>{form})/?$", site.period, {"unit": unit}, name=name)
        for name, unit, form in (
            ("edition", Unit.DAY, r"\d{4}-\d\d-\d\d"),
            ("week", Unit.WEEK, r"\d{4}-W\d\d"),
            ("month", Unit.MONTH, r"\d{4}-\d\d"),
        )
    ),
    re_path(r"^authors/(?P<name>[^/]{1,200})/?$", site.author, name="author"),
    re_path(r"^topics/?$", site.topics, name="topics"),
    re_path(rf"{_TOPIC}/?$", site.topic, name="topic"),
    re_path(rf"{_TOPIC}/feed\.atom$", site.public_page(AtomPapers()), name="topic_atom"),
    re_path(rf"{_TOPIC}/feed\.json$", site.public_page(JsonPapers()), name="topic_json"),
    path("feed.atom", site.public_page(AtomPapers()), name="atom"),
    path("feed.json", site.public_page(JsonPapers()), name="json"),
    re_path(
        r"^papers/(?P<pk>[0-9]{1,18})/reference\.(?P<form>bib|ris|json)$",
        site.reference,
        name="reference",
    ),
    re_path(r"^papers/(?P<pk>[0-9]{1,18})/card\.jpg$", site.share, name="share"),
    re_path(r"^papers/(?P<pk>[0-9]{1,18})(?:/(?P<slug>[^/]*))?/?$", site.paper, name="paper"),
    re_path(r"^pictures/(?P<name>[0-9a-f]{32}\.jpg)$", pictures.show, name="picture"),
    re_path(r"^search/?$", site.search, name="search"),
    path("robots.txt", site.robots, name="robots"),
    path("sitemap.xml", index, _SITEMAPS, name="sitemap_index"),
    path("sitemap-<section>.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
    re_path(r"^p/(?P<token>[^/]+)/papers/?$", examples.choose, name="examples"),
    re_path(r"^p/(?P<token>[^/]+)/rate/?$", ratings.rate, name="rate"),
    re_path(r"^p/(?P<token>[^/]+)/preview/?$", preview.preview, name="preview"),
    re_path(r"^d/(?P<token>[^/]+)/(?P<day>\d{4}-\d\d-\d\d)/rest/?$", web_view.rest, name="rest"),
    re_path(r"^d/(?P<token>[^/]+)/(?P<day>\d{4}-\d\d-\d\d)[^/]*/?$", web_view.read, name="read"),
    re_path(
        r"^s/(?P<token>[^/]+)/saved-papers\.(?P<form>bib|ris|json)$", saved.export, name="export"
    ),
    re_path(
        r"^s/(?P<token>[^/]+)/(?P<paper_id>[0-9]{1,18})(?:[^/0-9][^/]*)?/?$",
        saved.save,
        name="save",
    ),
    re_path(r"^s/(?P<token>[^/]+)/?$", saved.show, name="saved"),
    re_path(r"^f/(?P<token>[^/]+)/?$", saved.feed, name="saved_feed"),
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
