"""Facts about this site that every template can use."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, str | bool]:
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "tracks_clicks": settings.TRACK_CLICKS,
        "privacy_url": settings.PRIVACY_URL,
        "imprint_url": settings.IMPRINT_URL,
        "contact_url": settings.CONTACT_URL,
    }
