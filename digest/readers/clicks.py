"""Clicks on papers, where the operator counts them. Only a person's clicks should teach us."""

from datetime import datetime, timedelta

from django.db.models import Count

from digest.models import Click, Digest

# No human opens this many different papers of one digest so quickly.
BURST = 3
BURST_TIME = timedelta(seconds=2)
# Nor does anybody open every paper of a digest within a minute.
SWEEP_TIME = timedelta(minutes=1)
# A link may be opened without end. So many clicks are stored of one paper in one digest.
MOST_CLICKS = 10


def record_click(digest: Digest, paper_id: int, now: datetime) -> None:
    """Store a click, and flag the burst of clicks that it may complete as a machine's.

    Programs that scan mail follow links in bursts, which gives them away. Flagged clicks are
    kept. Call this outside a transaction: of two simultaneous clicks, the one that looks later
    then sees both. Once a paper of the digest has
    `MOST_CLICKS`, nothing more is stored.
    """
    if Click.objects.filter(digest=digest, paper_id=paper_id).count() >= MOST_CLICKS:
        return
    Click.objects.create(digest=digest, paper_id=paper_id, at=now)
    if _papers_clicked(digest, now - BURST_TIME) >= BURST:
        _flag(digest, now - BURST_TIME)
    # A reader of a short digest soon opens every paper, so fewer than BURST prove nothing.
    if _papers_clicked(digest, now - SWEEP_TIME) >= max(len(digest.paper_ids), BURST):
        _flag(digest, now - SWEEP_TIME)


def _papers_clicked(digest: Digest, since: datetime) -> int:
    clicks = Click.objects.filter(digest=digest, at__gte=since)
    return int(clicks.aggregate(papers=Count("paper", distinct=True))["papers"])


def _flag(digest: Digest, since: datetime) -> None:
    Click.objects.filter(digest=digest, at__gte=since).update(is_machine=True)
