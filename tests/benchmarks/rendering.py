"""One reader's digest of 10 papers out of 60: chosen, composed and rendered to bytes."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone
from rich.table import Table

from digest.choosing import reasons
from digest.choosing.candidates import Window
from digest.choosing.composing import Request, compose_group
from digest.choosing.interests import Interests, Like, TermRow
from digest.choosing.ledger import Ledger
from digest.mail.rendering import render
from digest.mail.shared import shared_parts
from digest.models import EditionPaper
from digest.papers import cards
from subscribers.models import Subscription
from subscribers.wishes import terms
from tests.benchmarks.measure import cpu_per_call
from tests.factories import abstract_of, make_edition, make_paper, make_topic

CANDIDATES, CHOSEN, TOPICS = 60, 10, 16
WORDS, VOTES, LIKED = 5, 30, 500
# As many as a worker takes at once.
READERS: int = settings.DELIVERY_BATCH
# So many digests take the naive way about as long as those of all readers take us.
NAIVE = 8


def run() -> Table:
    topics = [make_topic() for _ in range(TOPICS)]
    papers = [make_paper(abstract=abstract_of(n, sentences=7)) for n in range(CANDIDATES)]
    edition = make_edition(papers, fits={topic.pk: 0.5 for topic in topics[:4]})
    window = Window(edition.pk, edition.date - timedelta(days=1))
    group = [
        Request(number, edition.pk, number, "daily", CHOSEN, "en", True, None)
        for number in range(READERS)
    ]
    follow_all = [(topic.pk, Subscription.Emphasis.NORMAL) for topic in topics]
    by_topics = Interests(dict.fromkeys(range(READERS), follow_all), {}, {})
    candidates = list(EditionPaper.objects.select_related("paper")[:CHOSEN])

    whole = _with_words_and_votes(by_topics)
    naive, *all_of_them = cpu_per_call(
        lambda: list(map(_naive, [candidates] * NAIVE)),
        lambda: _ours(window, group, by_topics),
        lambda: _ours(window, group, whole),
        calls=2,
    )
    naive /= NAIVE
    ours, with_all = (each / READERS for each in all_of_them)
    table = Table("one digest, 10 of 60 papers", "µs of CPU", "times faster")
    table.add_row("Django templates, EmailMultiAlternatives", f"{naive:.0f}", "1.0")
    table.add_row("Broadsheet: choose, compose, render", f"{ours:.0f}", f"{naive / ours:.1f}")
    table.add_row(
        "the same, with 5 words and 30 votes", f"{with_all:.0f}", f"{naive / with_all:.1f}"
    )
    return table


def _with_words_and_votes(interests: Interests) -> Interests:
    """Return the interests with words and votes of each reader's own, among those of many."""
    rng = Random(1)
    liked = [make_paper(abstract=abstract_of(10_000 + n, sentences=7)).pk for n in range(LIKED)]
    words = [f"{first} {second}" for first, second in pairwise(abstract_of(0, sentences=9).split())]
    followed = [TermRow("keyword", terms.key(word), word, False) for word in words]
    return Interests(
        interests.topics,
        {reader: rng.sample(followed, WORDS) for reader in range(READERS)},
        {
            reader: [Like(paper, 1.0, reasons.LIKED) for paper in rng.sample(liked, VOTES)]
            for reader in range(READERS)
        },
    )


def _ours(window: Window, group: Sequence[Request], interests: Interests) -> None:
    """Our way: a batch of readers, from their interests to the bytes of their mails."""
    chosen = compose_group(
        window,
        group,
        ledger=Ledger({}, {}),
        interests=interests,
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=settings.DIGEST_LEAST_PAPERS,
    )
    now, shared = timezone.now(), shared_parts(window, "en")
    for composed in chosen:
        message = render(
            shared,
            composed,
            uuid=UUID(int=composed.digest_id),
            subscriber_id=composed.digest_id,
            now=now,
        )
        message.to = ["reader@dest.example"]
        message.message().as_bytes()


def _naive(candidates: Sequence[EditionPaper]) -> None:
    """The obvious way: render every template again for every reader."""
    layout = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "edition_date": timezone.now().date(),
        "preferences_url": "https://x.example/p/token",
        "unsubscribe_url": "https://x.example/u/token",
        "read_url": "https://x.example/d/token/2026-11-23",
        "saved_url": "https://x.example/s/token",
    }
    bodies = {}
    for kind in ("html", "txt"):
        rendered = "".join(
            render_to_string(
                f"digest/mail/card.{kind}",
                {
                    "paper": cards.describe(candidate),
                    "paper_url": candidate.paper.url,
                    "vote_url": "https://x.example/v/token/1",
                    "save_url": "https://x.example/s/token/1",
                    "reason": "You follow Robotics",
                },
            )
            for candidate in candidates
        )
        personal = {"cards": rendered, "intro": "10 papers", "preheader": "Two · Three", "more": ""}
        bodies[kind] = render_to_string(
            f"digest/mail/digest.{kind}", {**layout, "personal": personal}
        )
    message = EmailMultiAlternatives(
        "Subject", bodies["txt"], settings.DEFAULT_FROM_EMAIL, ["reader@dest.example"]
    )
    message.attach_alternative(bodies["html"], "text/html")
    message.message().as_bytes()
