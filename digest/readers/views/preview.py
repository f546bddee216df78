"""Today's digest as it would be with what is ticked on the preferences page. Nothing is stored."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from digest.choosing import reasons
from digest.models import Curation, EditionPaper
from digest.papers.cards import describe
from digest.readers.preview import Preview, preview_of
from subscribers import links
from subscribers.forms import PreferencesForm
from subscribers.models import Link, Subscriber, Topic
from subscribers.views.links import token_page
from subscribers.views.preferences import form_page
from subscribers.wishes import preferences


@token_page
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """Show the preferences page as it was posted, with the digest that this would give."""
    now = timezone.now()
    link = links.find(token, Link.Purpose.PREFERENCES, now)
    reader = link.subscriber
    if request.method != "POST" or reader.state != Subscriber.State.ACTIVE:
        # Here somebody reloads, or shares an address, that only a form leads to.
        return HttpResponseRedirect(reverse("subscribers:preferences", args=[token]), status=303)
    with override(reader.language):
        form = PreferencesForm(reader, preferences.today_of(reader, now), request.POST)
        shown = None
        if form.is_valid():
            wanted = form.wanted()
            # In the language that is ticked, as the mail would be.
            with override(wanted.columns["language"]):
                shown = _described(preview_of(reader, wanted, now))
        return form_page(request, link, form, now, {"token": token, "preview": shown})


def _described(preview: Preview) -> dict[str, object]:
    """Return the preview as the page shows it, in the active language."""
    candidates = EditionPaper.objects.by_paper(preview.paper_ids)
    curated = Curation.objects.of(preview.paper_ids)
    names = Topic.labels()
    return {
        "date": preview.date,
        "papers": [
            (describe(candidates[pk], curated.get(pk)), reasons.words(code, names))
            for pk, code in zip(preview.paper_ids, preview.reasons, strict=True)
            if pk in candidates
        ],
    }
