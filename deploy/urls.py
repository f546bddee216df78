from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.urls import URLResolver, include, path
from django.urls.resolvers import RoutePattern

from deploy import login


class _Desk:
    """The admin's pages. They are a sixth of all code, and most processes never need them."""

    @cached_property
    def urlpatterns(self) -> Any:
        admin.autodiscover()
        return admin.site.urls[0]


# Django asks whatever it is given for its `urlpatterns`.
_desk: Any = _Desk()


class _Later(URLResolver):
    """Pages that are loaded when somebody opens one, or links to one by its namespace."""

    def _populate(self) -> None:
        """Do nothing: Django looks a name of a namespace up in `url_patterns`."""

    def check(self, **_: Any) -> list[Any]:
        """Nothing, because whoever starts checks all pages. The tests open each of these."""
        return []


urlpatterns = [
    path("admin/login/", login.page),
    path("admin/login/second/", login.second_step, name="second_step"),
    path("admin/welcome/<str:token>/", login.welcome, name="welcome"),
    _Later(RoutePattern("admin/"), _desk, app_name="admin", namespace="admin"),
    # A URL for each mail service that anymail supports: /webhooks/postmark/tracking/ …
    path("webhooks/", include("deploy.webhooks")),
    *([path("", include("deploy.demo.urls"))] if settings.DEMO else []),
    path("", include("subscribers.urls")),
    path("", include("digest.urls")),
]
