"""The page with the results of trying rankings on readers. The list of digests links to it."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from digest.choosing import trial
from digest.ranking.interleaving import Share

from .base import ReadOnly


def trial_page(request: HttpRequest, digests: ReadOnly) -> HttpResponse:
    """Return the page, placed under the admin's pages about `digests`."""
    context = {
        **digests.admin_site.each_context(request),
        "title": _("Trial of a ranking"),
        "opts": digests.opts,
        "results": [(result, _in_per_cent(result.share)) for result in trial.results()],
        "least_readers": trial.LEAST_READERS,
    }
    return TemplateResponse(request, "admin/digest/digest/trial.html", context)


def _in_per_cent(share: Share | None) -> tuple[str, str]:
    """Return the share and its interval as text, or a dash for each."""
    if share is None:
        return "–", "–"
    return f"{share.share * 100:.0f} %", f"{share.low * 100:.0f} – {share.high * 100:.0f} %"
