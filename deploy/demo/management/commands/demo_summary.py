"""``manage.py demo_summary``: prints the demo's figures from the database as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count

from digest.models import Digest, Edition, Paper
from digest.papers import editions
from subscribers.database import database_now
from subscribers.models import Letter, Subscriber

# Digests that may have been handed over, so their mails may be in the mailbox.
IN_DOUBT = (Digest.State.SENDING, Digest.State.UNCERTAIN, Digest.State.ASSUMED)


class Command(BaseCommand):
    help = "Print the figures of all demo runs together; see deploy.demo.report.Figures."

    def handle(self, *args: Any, **options: Any) -> None:
        edition = Edition.objects.closed().order_by("-date").first()
        readers = Subscriber.objects.active().exclude(digests__edition=edition)
        digests = Digest.objects
        letters = Letter.objects
        figures = {
            "papers": Paper.objects.count(),
            "papers_waiting": editions.waiting_papers().count(),
            "edition_date": edition.date.isoformat() if edition else "",
            "edition_papers": edition.candidates.count() if edition else 0,
            "is_edition_of_today": edition is not None and edition.date == database_now().date(),
            "readers_confirmed": Subscriber.objects.exclude(confirmed_at=None).count(),
            "readers_left_out": readers.filter(paused_until=None).count(),
            "digests_sent": digests.filter(state__in=Digest.ACCEPTED).count(),
            "digests_in_doubt": digests.filter(state__in=IN_DOUBT).count(),
            "digests_failed": digests.filter(state=Digest.State.FAILED).count(),
            "digests_skipped": _skipped(),
            "letters_sent": letters.exclude(sent_at=None).count(),
            "letters_in_doubt": letters.filter(sent_at=None).count(),
        }
        self.stdout.write(json.dumps(figures))


def _skipped() -> dict[str, int]:
    """The number of digests not sent, by the reason in words."""
    rows = Digest.objects.filter(state=Digest.State.SKIPPED).values_list("skip_reason")
    counts = rows.annotate(count=Count("pk")).order_by("skip_reason")
    return {Digest.SkipReason(reason).label: count for reason, count in counts}
