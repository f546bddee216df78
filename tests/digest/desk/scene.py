"""A morning at the desk: an edition half sent, with a bit of everything that can go wrong."""

from datetime import timedelta

from django.utils import timezone

from digest.models import (
    BackOff,
    DayCount,
    Digest,
    DigestCount,
    Edition,
    Heartbeat,
    Hold,
    Look,
    PaperTopic,
    Vote,
)
from digest.readers import votes
from subscribers.models import Consent
from tests.factories import make_digest, make_edition, make_reader, make_topic

STATES = {
    "sent": 8,
    "delivered": 4,
    "bounced": 1,
    "failed": 2,
    "uncertain": 1,
    "ready": 3,
}
SKIPS = {"thin": 2, "nothing_new": 1}


def a_morning(*, held: bool = False, calm: bool = False) -> Edition:
    """Make the rows. With `calm`, only what is well; with `held`, sending is held, too."""
    now = timezone.now()
    Heartbeat.beat(Heartbeat.TICK)
    edition = _half_sent(calm=calm)
    for minutes in (90, 30):
        at = now - timedelta(minutes=minutes)
        Look.objects.create(source="huggingface", outcome="ok", new=minutes // 10, at=at)
    DigestCount.objects.update(at=now - timedelta(minutes=45))
    _feedback(edition)
    _comings_and_goings()
    if not calm:
        _trouble()
    if held:
        Hold.objects.create(
            mail_service="smtp",
            reason="The last 8 readers were all refused in the same words: SMTP 550 5.7.1 blocked",
        )
    return edition


def _half_sent(*, calm: bool) -> Edition:
    now = timezone.now()
    edition = make_edition(12, day=now.date())
    for state, number in STATES.items():
        if calm and state in {"failed", "uncertain", "ready"}:
            continue
        for _ in range(number):
            make_digest(
                edition,
                make_reader(next_due_at=now + timedelta(days=1)),
                state=state,
                mail_service="" if state == "ready" else "smtp",
                next_attempt_at=now - timedelta(minutes=20),
                handed_over_at=None if state == "ready" else now - timedelta(minutes=50),
            )
    for reason, number in SKIPS.items():
        for _ in range(number):
            reader = make_reader(next_due_at=now + timedelta(days=1))
            make_digest(edition, reader, state=Digest.State.SKIPPED, skip_reason=reason)
    return edition


def _feedback(edition: Edition) -> None:
    now = timezone.now()
    topics = [make_topic(name=name) for name in ("Retrieval", "Robotics and embodied AI")]
    for place, paper in enumerate(edition.papers.all()[:6]):
        PaperTopic.objects.create(paper=paper, topic=topics[place % 2], fit=0.9)
        for number in range(3):
            value = Vote.Value.MORE if (place + number) % 3 else Vote.Value.LESS
            votes.vote(make_reader(next_due_at=None), paper, value, Vote.Origin.MAIL, now)


def _comings_and_goings() -> None:
    now = timezone.now()
    for days in range(30):
        at = now - timedelta(days=days)
        acts = ["asked"] * (days % 5 + 3) + ["confirmed"] * (days % 5 + 1)
        acts += ["imported"] * (4 if days == 3 else 0)
        acts += ["one_click"] * (days % 4 == 0) + ["unsubscribed"] * (days % 7 == 0)
        for act in acts:
            reason = "too_many" if act == "unsubscribed" else ""
            Consent.objects.create(address_hash="0" * 64, act=act, at=at, reason=reason)


def _trouble() -> None:
    now = timezone.now()
    for minutes in (130, 70, 10):
        at = now - timedelta(minutes=minutes)
        Look.objects.create(source="arxiv", outcome="failed", message="timed out", at=at)
    BackOff.objects.create(
        mail_service="smtp", provider="google", failures=3, not_before=now + timedelta(minutes=2)
    )
    DayCount.objects.create(mail_service="smtp", day=now.date(), number=4200, last_taken=50)
