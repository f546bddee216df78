"""The URLs of the mailbox, part of the site only with DEMO=1."""

from django.urls import path, re_path

from deploy.demo import mailbox, views

app_name = "demo"
urlpatterns = [
    path("mailbox/", views.show_mailbox, name="mailbox"),
    re_path(rf"^mailbox/(?P<mail_id>{mailbox.ID})/html$", views.show_html, name="show_html"),
]
