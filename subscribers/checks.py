"""Configuration mistakes that ``manage.py check --deploy`` reports before the first sign-up."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_proxies(**_: Any) -> list[CheckMessage]:
    """Warn if a site with TLS names no proxy: our server speaks no TLS itself, so there is one."""
    if settings.TRUSTED_PROXIES or not settings.SITE_URL.startswith("https:"):
        return []
    return [
        Warning(
            "SITE_URL uses https, but TRUSTED_PROXIES is 0. Behind a proxy, all visitors then seem "
            "to share one address, and their sign-ups count against one network's limit.",
            hint="Set TRUSTED_PROXIES to the number of proxies in front of the site.",
            id="broadsheet.W003",
        )
    ]
