"""One reader's digest of ten papers out of sixty: chosen, rendered, ready for the wire."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import numpy as np
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone
from numpy.typing import NDArray
from rich.table import Table

from digest import cards, reasons
from digest.models import EditionPaper
from digest.press import Press, Window, press_for
from digest.ranking.rank import rank
from digest.rendering import DigestMessage
from tests.benchmarks.measure import cpu_per_call
from tests.factories import make_edition, make_paper, make_topic

CANDIDATES, CHOSEN, READERS, TOPICS = 60, 10, 200, 16


def run() -> Table:
    topics = [make_topic() for _ in range(TOPICS)]
    papers = [make_paper(abstract="A sentence of some length. " * 20) for _ in range(CANDIDATES)]
    edition = make_edition(papers, fits={topic.pk: 0.5 for topic in topics[:4]})
    press = press_for(Window(edition.pk, edition.date - timedelta(days=1)))
    interests = np.ones((READERS, len(press.candidates.topic_ids)), dtype=np.float32)
    candidates = list(EditionPaper.objects.select_related("paper")[:CHOSEN])

    naive = cpu_per_call(lambda: _naive(candidates), calls=50)
    ours = cpu_per_call(lambda: _ours(press, interests), calls=2) / READERS
    table = Table("one digest, 10 of 60 papers", "µs of CPU", "times faster")
    table.add_row("Django templates, EmailMultiAlternatives", f"{naive:.0f}", "1.0")
    table.add_row("Broadsheet: choose, compose, render", f"{ours:.0f}", f"{naive / ours:.1f}")
    return table


def _ours(press: Press, interests: NDArray[np.float32]) -> None:
    """A batch of readers, from their interests to the bytes of their mails."""
    chosen = rank(
        press.candidates,
        interests,
        np.zeros((len(interests), len(press.cards)), dtype=np.bool_),
        [CHOSEN] * len(interests),
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=settings.DIGEST_LEAST_PAPERS,
    )
    now = timezone.now()
    for number, papers in enumerate(chosen):
        message = DigestMessage(
            press,
            uuid=UUID(int=number),
            subscriber_id=number,
            paper_ids=[paper.paper_id for paper in papers],
            reason_codes=[reasons.code(paper) for paper in papers],
            now=now,
        )
        message.to = ["reader@dest.example"]
        message.message().as_bytes()


def _naive(candidates: Sequence[EditionPaper]) -> None:
    """What one would write first: every template rendered again for every reader."""
    shell = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "edition_date": timezone.now().date(),
        "total": CANDIDATES,
    }
    bodies = {}
    for kind in ("html", "txt"):
        rendered = "".join(
            render_to_string(
                f"digest/mail/card.{kind}",
                {"paper": cards.describe(candidate), "reason": "You follow Robotics"},
            )
            for candidate in candidates
        )
        personal = {"cards": rendered, "intro": "10 papers", "unsubscribe_url": "https://x.example"}
        bodies[kind] = render_to_string(
            f"digest/mail/digest.{kind}", {**shell, "personal": personal}
        )
    message = EmailMultiAlternatives(
        "Subject", bodies["txt"], settings.DEFAULT_FROM_EMAIL, ["reader@dest.example"]
    )
    message.attach_alternative(bodies["html"], "text/html")
    message.message().as_bytes()
