"""Minimal valid rows for tests. Every field can be given by name."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import count
from random import Random
from typing import Any

from django.apps import apps
from django.utils import timezone

from digest.models import Digest, Edition, EditionPaper, Paper
from digest.sources.text import ABSTRACT_LENGTH, TITLE_LENGTH, presentable
from subscribers import addresses
from subscribers.models import Subscriber, Subscription, Topic

# When nobody is due while a test runs.
LONG_AFTER = datetime(2099, 1, 1, tzinfo=UTC)
_numbers = count(1)


def starter_topics() -> list[Topic]:
    """Create the topics of a new site, which tests with their own transactions start without."""
    import_module("subscribers.migrations.0002_add_starter_topics").add_topics(apps, None)
    import_module("subscribers.migrations.0012_learn_starter_topics").learn_topics(apps, None)
    return list(Topic.objects.all())


def make_topic(**fields: Any) -> Topic:
    number = next(_numbers)
    named = {"slug": f"topic-{number}", "name": f"Topic {number}", "description": "About it."}
    return Topic.objects.create(**{**named, **fields})


def build_reader(**fields: Any) -> Subscriber:
    """An active subscriber who is due, not saved yet."""
    email = fields.get("email", f"reader{next(_numbers)}@dest.example")
    usual = {
        "email": email,
        "address_hash": addresses.hashed(email),
        "state": Subscriber.State.ACTIVE,
        "confirmed_at": timezone.now(),
        "next_due_at": timezone.now() - timedelta(minutes=1),
    }
    return Subscriber(**{**usual, **fields})


def make_reader(*topics: Topic, **fields: Any) -> Subscriber:
    """An active subscriber who is due and follows `topics`."""
    subscriber = build_reader(**fields)
    subscriber.save()
    Subscription.objects.bulk_create(
        Subscription(subscriber=subscriber, topic=topic) for topic in topics
    )
    return subscriber


_SAID = """
    boats bread bridges candles carpets clocks clouds coins corals deserts drums engines ferns
    flutes forests gardens glaciers harbours hills islands kites lamps lemons looms maps mills
    mirrors mosses oceans orchards paints pears pianos planets quilts rivers roofs saddles sails
    salt seeds shells spices stars stones streets tides tigers towers trains valleys violins
    volcanoes wells whales wheat windows winters wool
"""


def abstract_of(number: int, *, sentences: int = 1) -> str:
    """A different text for each number, because papers with the same text count as one."""
    chance = Random(number)
    return " ".join(
        f"It says something new about {', '.join(chance.sample(_SAID.split(), 6))}."
        for _ in range(sentences)
    )


def make_paper(**fields: Any) -> Paper:
    number = next(_numbers)
    usual = {
        "key": f"arxiv:2601.{number:05}",
        "title": f"Paper number {number}",
        "title_key": f"paper number {number}",
        "abstract": abstract_of(number),
        "authors": ["Ada Example", "Bo Sample"],
        "num_authors": 2,
        "url": f"https://arxiv.org/abs/2601.{number:05}",
        "first_source": "huggingface",
    }
    said = {**usual, **fields}
    # As intake keeps them.
    said["title"] = presentable(said["title"], TITLE_LENGTH)
    said["abstract"] = presentable(said["abstract"], ABSTRACT_LENGTH)
    return Paper.objects.create(**said)


def make_edition(
    papers: int | Sequence[Paper] = 5,
    *,
    day: date | None = None,
    fits: Mapping[int, float] | None = None,
) -> Edition:
    """A closed edition. `fits` (topic ID to fit) applies to each of its papers."""
    if isinstance(papers, int):
        papers = [make_paper() for _ in range(papers)]
    edition = Edition.objects.create(date=day or timezone.now().date(), closed_at=timezone.now())
    EditionPaper.objects.bulk_create(
        EditionPaper(
            edition=edition,
            paper=paper,
            votes=paper.votes,
            fits={str(topic): fit for topic, fit in (fits or {}).items()},
        )
        for paper in papers
    )
    return edition


def make_digest(edition: Edition | None, subscriber: Subscriber, **fields: Any) -> Digest:
    """A digest's row, READY and due unless `fields` say otherwise.

    Its local date is the edition's; without an edition, one that is still to be composed, `fields`
    must have the date.
    """
    named: dict[str, Any] = {"edition": edition, "subscriber": subscriber}
    if edition:
        named["local_date"] = edition.date
    digest = Digest.objects.create(**{**named, **fields})
    digest.refresh_from_db()
    return digest
