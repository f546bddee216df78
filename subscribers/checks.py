"""Wrong configuration, said by ``manage.py check --deploy`` before the first sign-up."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_proxies(**_: Any) -> list[CheckMessage]:
    """With TLS there is a proxy, as a rule: gunicorn alone has none."""
    if settings.TRUSTED_PROXIES or not settings.SITE_URL.startswith("https:"):
        return []
    return [
        Warning(
            "If a proxy stands before the site, all visitors seem to come from it, and their "
            "sign-ups are counted as those of one network.",
            hint="Set TRUSTED_PROXIES to the number of proxies.",
            id="broadsheet.W003",
        )
    ]
