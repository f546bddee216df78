"""Addresses of the public pages. Those with a token stand in mails and must never change.

They work with and without a slash at the end, and without a redirect, which RFC 8058 forbids.
"""

from django.urls import path, re_path

from subscribers import views

app_name = "subscribers"
urlpatterns = [
    path("", views.signup, name="signup"),
    path("signup/check-your-inbox/", views.check_inbox, name="check_inbox"),
    re_path(r"^c/(?P<token>[^/]+)/?$", views.confirm, name="confirm"),
    re_path(r"^p/(?P<token>[^/]+)/?$", views.set_preferences, name="preferences"),
    re_path(r"^u/(?P<token>[^/]+)/?$", views.unsubscribe, name="unsubscribe"),
]
