"""Every due day has one row with a state or a reason, and all else that readers were promised."""

import logging
import os
from collections import Counter
from random import Random

import pytest

from digest.choosing.candidates import candidate_set
from digest.models import Digest
from tests.clock import settable

from .oracle import faults
from .story import story
from .world import World

READERS, DAYS = 2500, 10
# The long form is READER_DAYS=5000000. Each world has a number, from which alone it is made.
READER_DAYS = int(os.environ.get("READER_DAYS", "100000"))
WORLDS = range(-(-READER_DAYS // (READERS * DAYS)))

logger = logging.getLogger(__name__)

# What is committed PostgreSQL can tidy up; in one long transaction it would grow slow.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("number", WORLDS)
def test_every_reader_gets_one_digest_or_one_reason_on_every_due_day(number: int) -> None:
    told = story(Random(number), readers=READERS, days=DAYS)
    candidate_set.cache_clear()

    with settable(told.start) as clock:
        world = World(told, clock)
        world.run()
        wrong = [
            f"reader {number} ({life.wishes}): {fault}"
            for number, (life, rows) in enumerate(zip(world.lives, world.rows(), strict=True))
            for fault in faults(life, rows, world.times, told.end)
        ]
        _report()

    assert wrong == [], "\n".join([str(told.outages), *wrong[:20]])


def _report() -> None:
    """Say how the digests ended."""
    ended = Digest.objects.values_list("state", "skip_reason")
    counts = Counter(reason or state for state, reason in ended)
    logger.info("%d reader-days: %s", READERS * DAYS, dict(counts.most_common()))
