"""A digest as it is sent, and what comes back: one-click requests and webhooks."""

import re
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import requests
from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from digest.choosing.candidates import Window
from digest.choosing.composing import Composed
from digest.mail.rendering import render
from digest.mail.shared import MOST_HTML, shared_parts
from digest.models import Edition
from subscribers import links
from subscribers.database import database_now
from subscribers.models import Link

from .arrived import body_of
from .findings import Finding, ok, unknown, wrong
from .setup import Setup

_SECONDS = (5.0, 10.0)
# Gmail shows no more of a mail, and so no link at its foot.
_CLIPPED = 102 * 1024
_LONGEST_LINE = 998
_ONE_OF_EACH = ("From", "To", "Subject", "Date", "Message-ID", "List-ID", "List-Unsubscribe")
_ENCODED = re.compile(r"=\?[^?]+\?[bq]\?", re.IGNORECASE)
_LEAST_SECRET = 16


# --- the mail ------------------------------------------------------------------------------
def check(setup: Setup) -> Iterator[Finding]:
    """Check the mail that arrived, or else the newest edition's with all that fits into it."""
    content = setup.arrived.content if setup.arrived else newest()
    if not content:
        words = _("There is no digest to look at: no edition has closed yet.")
        yield unknown("headers", words, _("Look again once an edition has closed."))
        return
    content = re.sub(rb"\r?\n", b"\r\n", content)
    mail = body_of(content)
    problems = list(_problems_of(mail, content))
    for problem in problems:
        change = _("If a server on the way changed it, set it right there; else report it to us.")
        yield wrong("headers", problem, change)
    if not problems:
        yield ok("headers", _("The headers are what mailbox providers ask for."))
    yield _size(mail)


def newest() -> bytes:
    """The longest digest that the newest edition gives, to nobody; empty if there is none."""
    try:
        edition = Edition.objects.closed().order_by("-date").first()
        if edition is None:
            return b""
        window = Window(edition.pk, edition.date - timedelta(days=1))
        shared = shared_parts(window, settings.LANGUAGE_CODE)
        papers = tuple(shared.cards)
        if not papers:
            return b""
        selection = Composed(0, window, papers, ("pinned",) * len(papers), (), "", False)
        mail = render(shared, selection, uuid=UUID(int=0), subscriber_id=0, now=database_now())
    except DatabaseError:
        return b""
    mail.to = ["check@example.org"]
    return mail.message().as_bytes(linesep="\r\n")


def _problems_of(mail: EmailMessage, content: bytes) -> Iterator[str]:
    for name in _ONE_OF_EACH:
        if (number := len(mail.get_all(name, []))) != 1:
            about = {"name": name, "number": number}
            yield _("The mail has the header %(name)s %(number)d times.") % about
    head, _blank, _rest = content.partition(b"\r\n\r\n")
    if not head.isascii() or any(len(line) > _LONGEST_LINE for line in content.split(b"\r\n")):
        yield _("A line is longer than 998 characters, or a header is not ASCII.")
    if len(getattr(mail["From"], "addresses", ())) != 1:
        yield _("From has not exactly one address.")
    yield from _way_out(mail)
    if not re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", str(mail["Message-ID"] or "").strip()):
        yield _("Message-ID is not of the form <…@…>.")
    if not _has_date(mail):
        yield _("Date cannot be read.")


def _way_out(mail: EmailMessage) -> Iterator[str]:
    ways = re.findall(r"<([^<>]+)>", str(mail["List-Unsubscribe"] or ""))
    if len([way for way in ways if way.startswith("https://")]) != 1:
        yield _("List-Unsubscribe has not exactly one https address.")
    if str(mail["List-Unsubscribe-Post"] or "").strip() != "List-Unsubscribe=One-Click":
        yield _("List-Unsubscribe-Post is not “List-Unsubscribe=One-Click”.")
    raw = [value for name, value in mail.raw_items() if name.lower() == "list-unsubscribe"]
    if any(_ENCODED.search(str(value)) for value in raw):
        yield _("List-Unsubscribe is encoded, so mail programs cannot read it.")


def _has_date(mail: EmailMessage) -> bool:
    try:
        return parsedate_to_datetime(str(mail["Date"])).timestamp() < time.time() + 86_400
    except (TypeError, ValueError):
        return False


def _size(mail: EmailMessage) -> Finding:
    part = mail.get_body(preferencelist=("html",))
    payload = part.get_payload(decode=True) if part is not None else b""
    size = len(payload) if isinstance(payload, bytes) else 0
    about = {"size": size // 1000, "most": MOST_HTML // 1000}
    if size > _CLIPPED:
        words = _("The HTML has %(size)d KB, and Gmail cuts a mail off at 102.") % about
        return wrong("size", words, _("Send fewer papers, or let the service rewrite no links."))
    if size > MOST_HTML:
        words = _("The HTML has %(size)d KB, more than the %(most)d that we allow it.") % about
        return wrong("size", words, _("Send fewer papers, or let the service rewrite no links."))
    return ok("size", _("The HTML has %(size)d of at most %(most)d KB.") % about)


# --- one click -----------------------------------------------------------------------------
def check_one_click() -> Finding:
    """POST to a link that is nobody's, as a mail program would (RFC 8058)."""
    if not settings.SITE_URL.startswith("https://"):
        words = _("SITE_URL is not https, so no mail program offers one-click unsubscribing.")
        return wrong("one-click", words, _("Put TLS before the site, and https:// in SITE_URL."))
    url = links.url(Link.Purpose.UNSUBSCRIBE, secrets.token_urlsafe(16))
    try:
        answer = requests.post(
            url,
            data={"List-Unsubscribe": "One-Click"},
            timeout=_SECONDS,
            allow_redirects=False,
            stream=True,  # the page itself is not needed
        )
    except requests.exceptions.SSLError:
        words = _("The certificate of SITE_URL is not valid.")
        return wrong("one-click", words, _("Have a valid certificate issued for the host."))
    except requests.RequestException as error:
        words = _("SITE_URL cannot be reached from here: %(error)s")
        change = _("Look from another machine, with: curl -i -d List-Unsubscribe=One-Click …")
        return unknown("one-click", words % {"error": type(error).__name__}, change)
    answer.close()
    return _answered(answer.status_code)


def _answered(status: int) -> Finding:
    about = {"status": status}
    if status in {200, 202, 204, 404, 410}:
        return ok("one-click", _("One-click unsubscribing answers %(status)d at once.") % about)
    if 300 <= status < 400:
        words = _("One-click unsubscribing is redirected (%(status)d), which RFC 8058 forbids.")
        change = _("Let SITE_URL be exactly where the site is, and TRUSTED_PROXIES be right.")
        return wrong("one-click", words % about, change)
    words = _("One-click unsubscribing answers %(status)d.")
    change = _("Let POST requests to /u/ pass, without a login or a test for robots.")
    return wrong("one-click", words % about, change)


# --- webhooks ------------------------------------------------------------------------------
def check_webhook(setup: Setup) -> Finding:
    given: Any = settings.ANYMAIL.get("WEBHOOK_SECRET", "")
    all_secrets = [given] if isinstance(given, str) else list(given)
    is_set = all_secrets and not all_secrets[0].startswith("nobody:")
    change = _("Set WEBHOOK_SECRET, and enter the webhook’s address at the mail service.")
    if not is_set and setup.hosted:
        words = _("WEBHOOK_SECRET is not set, so bounces and complaints are not heard of.")
        return wrong("webhook-secret", words, change)
    if not is_set:
        words = _("WEBHOOK_SECRET is not set. An SMTP server of your own needs none.")
        return ok("webhook-secret", words)
    if any(len(one) < _LEAST_SECRET for one in all_secrets):
        words = _("WEBHOOK_SECRET is short enough to be guessed.")
        return wrong("webhook-secret", words, _("Make a password of at least 16 characters."))
    return ok("webhook-secret", _("WEBHOOK_SECRET is set."))
