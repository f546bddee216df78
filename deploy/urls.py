from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from deploy import login

admin.autodiscover()
admin.site.site_header = admin.site.site_title = settings.SITE_NAME

urlpatterns = [
    path("admin/login/", login.page),
    path("admin/login/second/", login.second_step, name="second_step"),
    path("admin/", admin.site.urls),
    # A URL for each mail service that anymail supports: /webhooks/postmark/tracking/ …
    path("webhooks/", include("deploy.webhooks")),
    *([path("", include("deploy.demo.urls"))] if settings.DEMO else []),
    path("", include("subscribers.urls")),
    path("", include("digest.urls")),
]
