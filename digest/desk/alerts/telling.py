"""Says what began and what is over: by mail to the operators, and to webhooks.

Nothing personal is in these words: they count readers, and name services, sources and times.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import requests
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.desk.words import duration

from .memory import Known, News

logger = logging.getLogger(__name__)

SECONDS = 15
MAIL = "mail"
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_WALL = "digest.delivery.mail_services.only_to.EmailBackend"  # also where there is no list


def ways() -> Mapping[str, Callable[[News], None]]:
    """Return how operators can be told, by name. A webhook's name is its place in the setting,
    because its URL is a secret."""
    found: dict[str, Callable[[News], None]] = {}
    if settings.OPERATORS_MAIL:
        found[MAIL] = _mail
    for place, url in enumerate(settings.ALERTS_WEBHOOK_URL):
        found[f"webhook {place + 1}"] = partial(_post, url)
    return found


def tell(news: News) -> bool:
    """Tell it in its way. Returns whether it went out; the log has why not. Never raises."""
    try:
        ways()[news.way](news)
    except Exception as error:  # whatever a mail backend raises; the next round tries again
        logger.error("Operators could not be told by %s: %s", news.way, type(error).__name__)
        return False
    return True


def subject(news: News) -> str:
    """One line that says what is the matter, for the list in a mail program."""
    if len(news.begun) == 1:
        return news.begun[0].words
    if news.begun:
        number = len(news.begun)
        words = ngettext("%(number)s thing needs you", "%(number)s things need you", number)
        return words % {"number": number}
    if len(news.over) == 1:
        return _("Well again: ") + news.over[0].words
    return _("Well again: %(number)s things") % {"number": len(news.over)}


def text(news: News) -> str:
    """The whole of it: what began, with what to do, and what is over, with how long it took."""
    parts = [f"{one.words}\n{one.advice}\n{_since(one)}" for one in news.begun]
    parts += [f"{_('Well again: ')}{one.words}\n{_lasted(one)}" for one in news.over]
    return "\n\n".join([*parts, f"{settings.SITE_URL}/admin/"])


def _since(one: Known) -> str:
    return _("Since %(time)s.") % {"time": _time(one.since)}


def _lasted(one: Known) -> str:
    times = {"since": _time(one.since), "until": _time(one.seen)}
    times["length"] = duration(one.seen - one.since)
    return _("It lasted from %(since)s until %(until)s, %(length)s.") % times


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _mail(news: News) -> None:
    first, *_rest = subject(news).splitlines()
    EmailMessage(
        f"[{settings.SITE_NAME}] {first[:150]}",
        text(news),
        settings.DEFAULT_FROM_EMAIL,
        settings.OPERATORS_MAIL,
        headers={"Auto-Submitted": "auto-generated"},
        connection=_connection(),
    ).send()


def _connection() -> Any:
    """The operators' own way, or that of the letters."""
    if settings.ALERTS_EMAIL:
        return get_connection(_WALL, behind=_SMTP, timeout=SECONDS, **settings.ALERTS_EMAIL)
    return get_connection()


def _post(url: str, news: News) -> None:
    """Post it to a webhook. Chat rooms read `text`; programs may read the rest."""
    answer = requests.post(
        url,
        json={
            "text": f"*{settings.SITE_NAME}*: {text(news)}",
            "site": settings.SITE_URL,
            "begun": [_values(one) for one in news.begun],
            "over": [_values(one) for one in news.over],
        },
        timeout=SECONDS,
        allow_redirects=False,
    )
    answer.raise_for_status()


def _values(one: Known) -> dict[str, str]:
    return {"key": one.key, "words": one.words, "since": one.since.isoformat()}
