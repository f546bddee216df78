"""The pages of the mailbox.

They show every mail, with its private links, to anyone who can open them. They are therefore
part of the demo only, which listens on this machine alone.
"""

import re
from pathlib import Path

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from deploy import env
from deploy.demo import mailbox

PAGE = 50
# A mail may use its own styles and load nothing else, and only the mailbox may frame it.
FRAME_CSP = {"default-src": [NONE], "style-src": [UNSAFE_INLINE], "frame-ancestors": [SELF]}


@require_safe
@never_cache
@csp_update({"frame-src": [SELF]})
def show_mailbox(request: HttpRequest) -> HttpResponse:
    """The list of mails, newest first, next to the mail that `?mail=` names."""
    ids = mailbox.ids(_folder())
    mail_id = request.GET.get("mail", "")
    mail = _read(mail_id) if mail_id else None
    number = ids.index(mail.id) // PAGE + 1 if mail else request.GET.get("page")
    page = Paginator(ids, PAGE).get_page(number)
    context = {
        "mails": [_line(mailbox.read(_folder(), each), mail_id) for each in page],
        "mail": _whole(mail) if mail else None,
        "page": page,
    }
    return render(request, "demo/mailbox.html", context)


@require_safe
@never_cache
@xframe_options_sameorigin
@csp(FRAME_CSP)  # type: ignore[arg-type]  # csp is typed for views without arguments
def show_html(request: HttpRequest, mail_id: str) -> HttpResponse:
    """The mail's own HTML, for the frame. Its links open in a new tab."""
    html = _read(mail_id).html
    is_with_head = re.search(r"<head\b[^>]*>", html, re.IGNORECASE)
    at = is_with_head.end() if is_with_head else 0
    return HttpResponse(f'{html[:at]}<base target="_blank">{html[at:]}')


def _folder() -> Path:
    return Path(env.text("DEMO_FOLDER")) / "mailbox"


def _read(mail_id: str) -> mailbox.Mail:
    try:
        return mailbox.read(_folder(), mail_id)
    except mailbox.NoSuchMail as error:
        raise Http404("No such mail.") from error


def _line(mail: mailbox.Mail, current_id: str) -> dict[str, object]:
    return {
        "id": mail.id,
        "to": mail.to,
        "subject": mail.subject,
        "date": mail.came_at,
        "is_current": mail.id == current_id,
    }


def _whole(mail: mailbox.Mail) -> dict[str, object]:
    return _line(mail, mail.id) | {
        "text": mail.text,
        "headers": mail.headers,
        "html_url": reverse("demo:show_html", args=[mail.id]),
    }
