"""Every due day has one row with a state or a reason, and all else that readers were promised."""

import os
from random import Random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from digest.choosing.candidates import candidate_set
from tests.clock import settable

from .oracle import faults
from .world import World, counts, story

# `READER_DAYS=5000000 make test ARGS=tests/promise` is the long form.
READER_DAYS = int(os.environ.get("READER_DAYS", "20000"))
READERS, DAYS = 1000, 10

pytestmark = pytest.mark.django_db


@settings(
    max_examples=max(1, -(-READER_DAYS // (READERS * DAYS))),
    deadline=None,
    database=None,
    derandomize=READER_DAYS <= 20000,  # the short form is the same each time
    phases=[Phase.generate],  # a story cannot be made shorter without becoming another one
    suppress_health_check=list(HealthCheck),
)
@given(chance=st.randoms(use_true_random=False), outages=st.integers(0, 8))
def test_every_reader_gets_one_digest_or_one_reason_on_every_due_day(
    chance: Random, outages: int
) -> None:
    told = story(Random(chance.getrandbits(64)), number=READERS, days=DAYS, outages=outages)
    candidate_set.cache_clear()

    with transaction.atomic(), settable(told.start) as clock:
        world = World(told, clock)
        world.run()
        wrong = [
            f"reader {number} ({life.wishes}): {fault}"
            for number, life in enumerate(world.lives)
            for fault in faults(life, world.rows(number), world.times, told.end)
        ]
        note(str(dict(counts())))
        transaction.set_rollback(True)

    assert wrong == [], "\n".join([str(told.outages), *wrong[:20]])
