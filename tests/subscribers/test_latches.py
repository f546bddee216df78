"""What only one may do at a time, though sessions of the database are shared and hosts get lost."""

from contextlib import ExitStack
from datetime import timedelta

import pytest

from subscribers import database
from subscribers.database import Lock, database_now, execute, is_held, only_one
from subscribers.models import Latch
from tests.workers import wait_until

LOCK, PLACE = Lock.SENDING_DIGESTS, 7


@pytest.mark.django_db
def test_one_holds_a_place_until_the_end_however_it_ends() -> None:
    found: list[bool] = []

    def work() -> None:
        with only_one(LOCK, PLACE) as is_ours:
            with only_one(LOCK, PLACE) as again, only_one(LOCK, PLACE + 1) as elsewhere:
                found.extend((is_ours, again, elsewhere, is_held(LOCK, PLACE)))
            raise LookupError("a mistake of ours")

    with pytest.raises(LookupError):
        work()

    assert found == [True, False, True, True]
    assert not is_held(LOCK, PLACE)
    assert not Latch.objects.exists()


@pytest.mark.django_db
def test_who_is_heard_of_no_more_gives_way_and_ends_nothing_of_the_next() -> None:
    with ExitStack() as first, only_one(Lock.PRUNING):
        first.enter_context(only_one(LOCK, PLACE))
        execute("UPDATE subscribers_latch SET until = now() - interval '1 s' WHERE place = 7")
        free = not is_held(LOCK, PLACE)
        with only_one(LOCK, PLACE) as is_ours:
            first.close()
            goes_on = is_held(LOCK, PLACE)

    assert (free, is_ours, goes_on) == (True, True, True)


@pytest.mark.django_db(transaction=True)
def test_whoever_works_for_long_is_heard_of_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "_LATCH", timedelta(seconds=0.3))
    with only_one(LOCK, PLACE):
        later = database_now() + timedelta(seconds=0.5)
        wait_until(
            lambda: Latch.objects.filter(until__gt=later).exists(), seconds=10, what="a renewal"
        )
