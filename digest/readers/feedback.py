"""What readers tell us of papers: by a vote, by muting, and where it is tracked, by a click."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count

from digest.models import Click, Digest, Paper, Vote
from subscribers.models import Subscriber, Subscription, Term, Topic
from subscribers.wishes import terms

# So many different papers of a digest in so short a time nobody follows who reads.
BURST = 3
BURST_TIME = timedelta(seconds=2)
# All of a digest's papers within a minute neither.
SWEEP_TIME = timedelta(minutes=1)


# --- votes ---------------------------------------------------------------------------------
def vote(
    subscriber: Subscriber, paper: Paper, value: Vote.Value, origin: Vote.Origin, now: datetime
) -> Vote:
    """Keep the reader's word on the paper, instead of an earlier one. Safe to repeat."""
    given, _is_new = Vote.objects.update_or_create(
        subscriber=subscriber, paper=paper, defaults={"value": value, "origin": origin, "at": now}
    )
    return given


def undo(subscriber: Subscriber, paper: Paper) -> None:
    """Forget the reader's word on the paper, if there is one."""
    Vote.objects.filter(subscriber=subscriber, paper=paper).delete()


def digest_with(subscriber: Subscriber, paper_id: int) -> Digest | None:
    """The newest digest in which this reader was sent the paper."""
    return (
        Digest.objects.filter(subscriber=subscriber, paper_ids__contains=[paper_id])
        .order_by("-edition")
        .first()
    )


# --- mutes ---------------------------------------------------------------------------------
def mute_topic(subscriber: Subscriber, topic: Topic) -> int | None:
    """No more papers on the topic. Answers what the topic was to the reader before, for
    `unmute_topic`: an emphasis, or None if it was nothing."""
    before = Subscription.objects.filter(subscriber=subscriber, topic=topic).first()
    Subscription.objects.update_or_create(
        subscriber=subscriber, topic=topic, defaults={"emphasis": Subscription.Emphasis.MUTED}
    )
    return before.emphasis if before else None


def unmute_topic(subscriber: Subscriber, topic: Topic, before: int | None) -> None:
    """Take `mute_topic` back. What is not muted stays as it is."""
    muted = Subscription.objects.filter(
        subscriber=subscriber, topic=topic, emphasis=Subscription.Emphasis.MUTED
    )
    if before is None:
        muted.delete()
    else:
        muted.update(emphasis=before)


def muted_authors(subscriber: Subscriber, names: Iterable[str]) -> set[str]:
    """Those of the names that the reader has muted."""
    keys = {name: terms.key(name) for name in names}
    muted = set(
        Term.objects.filter(
            subscriber=subscriber, kind=Term.Kind.AUTHOR, is_muted=True, key__in=keys.values()
        ).values_list("key", flat=True)
    )
    return {name for name, key in keys.items() if key in muted}


# --- clicks --------------------------------------------------------------------------------
def record_click(digest: Digest, paper_id: int, now: datetime) -> None:
    """Keep that a paper's link was followed, and flag the burst that it may complete.

    Programs that look into mails follow links in bursts, and so are told apart by their shape;
    what is flagged is kept. Call it outside of a transaction: of two clicks at once the later
    to look sees both.
    """
    Click.objects.create(digest=digest, paper_id=paper_id, at=now)
    if _different(digest, now - BURST_TIME) >= BURST:
        _flag(digest, now - BURST_TIME)
    # One or two papers are soon all of a short digest.
    if _different(digest, now - SWEEP_TIME) >= max(len(digest.paper_ids), BURST):
        _flag(digest, now - SWEEP_TIME)


def _different(digest: Digest, since: datetime) -> int:
    clicks = Click.objects.filter(digest=digest, at__gte=since)
    return int(clicks.aggregate(papers=Count("paper", distinct=True))["papers"])


def _flag(digest: Digest, since: datetime) -> None:
    Click.objects.filter(digest=digest, at__gte=since).update(is_machine=True)
