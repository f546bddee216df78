"""Where bounces come back to over SMTP, and whether anybody reads them."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from digest.bounces import mailboxes
from digest.delivery.routing import SMTP
from digest.mail.return_path import LONGEST_MAILBOX
from digest.models import Event, Heartbeat
from subscribers.database import database_now

from .findings import Finding, ok, unknown, wrong
from .setup import Setup

# A quiet week without a bounce is normal on a small list.
_RECENT = timedelta(days=30)


def check(setup: Setup) -> Iterator[Finding]:
    if not setup.smtp:
        return
    if settings.MAIL_BOUNCES:
        yield _read()
    elif _is_told_by_webhooks():
        yield ok("bounces", _("The mail service tells of bounces by webhook."))
    else:
        words = _("Bounces come back as mail to %(address)s, and nobody reads them.")
        yield wrong(
            "bounces",
            words % {"address": settings.DEFAULT_FROM_EMAIL},
            _("Set MAIL_BOUNCES, and have it read: MAIL_BOUNCES_MAILBOX or a pipe."),
        )


def _read() -> Finding:
    about: dict[str, object] = {"address": settings.MAIL_BOUNCES, "most": LONGEST_MAILBOX}
    if len(settings.MAIL_BOUNCES.rpartition("@")[0]) > LONGEST_MAILBOX:
        words = _("MAIL_BOUNCES is too long: %(most)d characters may stand before the @.")
        return wrong("bounces", words % about, _("Choose a shorter address."))
    if settings.MAIL_BOUNCES_MAILBOX:
        return _opened(about)
    try:
        was_read = Heartbeat.objects.filter(name=Heartbeat.BOUNCES).exists()
    except DatabaseError:
        return unknown("bounces", _("The database cannot be asked whether bounces are read."))
    if was_read:
        return ok("bounces", _("Bounces come back to %(address)s, and have been read.") % about)
    return wrong(
        "bounces",
        _("Bounces come back as mail to %(address)s, and nobody reads them.") % about,
        _("Set MAIL_BOUNCES_MAILBOX, or let the mail server pipe them to read_bounces."),
    )


def _opened(about: dict[str, object]) -> Finding:
    """Open the mailbox, and read nothing."""
    try:
        with mailboxes.opened(settings.MAIL_BOUNCES_MAILBOX):
            return ok("bounces", _("Bounces come back to %(address)s, and can be read.") % about)
    except mailboxes.CannotRead as error:
        words = _("The mailbox with the bounces cannot be opened: %(error)s")
        change = _("Look at MAIL_BOUNCES_MAILBOX, and at the server.")
        return wrong("bounces", words % {"error": error}, change)


def _is_told_by_webhooks() -> bool:
    """Whether a service behind the SMTP server has told us something lately."""
    try:
        recent = Event.objects.filter(received_at__gt=database_now() - _RECENT)
        return recent.exclude(mail_service=SMTP).exists()
    except DatabaseError:
        return False
