"""URLs of the public pages. Those with a token are in mails already sent and must never change.

They work with or without a trailing slash, and without a redirect, which RFC 8058 forbids.
"""

from django.urls import path, re_path

from subscribers import views

app_name = "subscribers"
urlpatterns = [
    path("", views.front, name="front"),
    path("signup/", views.signup, name="signup"),
    path("signup/check-your-inbox/", views.check_inbox, name="check_inbox"),
    path("signup/embed/", views.embed, name="embed"),
    path("signup/frame/", views.frame, name="frame"),
    path("signup/frame/check-your-inbox/", views.frame_sent, name="frame_sent"),
    path("signup/refused/", views.refused, name="refused"),
    re_path(r"^api/signup/?$", views.api_signup, name="api_signup"),
    path("api/signup/challenge", views.api_challenge, name="api_challenge"),
    re_path(r"^c/(?P<token>[^/]+)/?$", views.confirm, name="confirm"),
    re_path(r"^n/(?P<token>[^/]+)/?$", views.refuse, name="refuse"),
    re_path(r"^p/(?P<token>[^/]+)/?$", views.set_preferences, name="preferences"),
    re_path(r"^p/(?P<token>[^/]+)/address/?$", views.change_address, name="change_address"),
    re_path(r"^p/(?P<token>[^/]+)/follow/?$", views.follow, name="follow"),
    re_path(r"^p/(?P<token>[^/]+)/export/?$", views.export, name="export"),
    re_path(r"^p/(?P<token>[^/]+)/erase/?$", views.erase, name="erase"),
    re_path(r"^link/?$", views.get_link, name="get_link"),
    path("erased/", views.erased, name="erased"),
    re_path(r"^a/(?P<token>[^/]+)/?$", views.confirm_address, name="confirm_address"),
    re_path(r"^u/(?P<token>[^/]+)/?$", views.unsubscribe, name="unsubscribe"),
]
