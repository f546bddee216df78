"""The address that leads from a digest to a paper, where the operator counts clicks."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.models import Digest, Paper
from digest.readers import clicks
from digest.sources.keys import pdf_link, web_link


@never_cache
@require_safe
def follow(request: HttpRequest, uuid: str, paper_id: str) -> HttpResponse:
    """Redirect to a paper, and count the click if the operator wants that.

    The target comes from the database and from nowhere else. Links in old mails keep working
    after counting is switched off.
    """
    digest = Digest.objects.filter(uuid=UUID(uuid)).first()
    paper = Paper.objects.filter(pk=paper_id).first()
    address = _address(paper, request.GET.get("to", "")) if paper else ""
    if digest is None or not address:
        raise Http404
    # Which papers were in the digest of a reader who was erased is forgotten.
    is_erased = digest.subscriber_id is None
    if not is_erased and int(paper_id) not in digest.paper_ids:
        raise Http404
    is_counted = settings.TRACK_CLICKS and not is_erased
    if is_counted and request.method == "GET":
        clicks.record_click(digest, int(paper_id), timezone.now())
    response = HttpResponseRedirect(address)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _address(paper: Paper, asked: str) -> str:
    pdf = pdf_link(paper.key, paper.url) if asked == "pdf" else ""
    return pdf or web_link(paper.url)
