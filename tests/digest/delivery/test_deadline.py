"""The sign by which a worker asks the processes of its pool to stop."""

import time
from multiprocessing import get_context
from threading import Thread

from digest.delivery.limits.deadline import Stop, deadline

fork = get_context("fork")


def look_until(stop: Stop) -> None:
    while not stop.is_set():
        pass


def test_a_stop_is_heard_in_the_processes_of_the_pool() -> None:
    stop = Stop()
    process = fork.Process(target=look_until, args=[stop], daemon=True)
    process.start()

    stop.set()

    process.join(10)
    assert process.exitcode == 0


def test_a_process_that_is_killed_while_it_looks_does_not_block_the_others() -> None:
    """As when memory runs out; it must not take a lock with it."""
    stop = Stop()
    for _ in range(20):
        process = fork.Process(target=look_until, args=[stop], daemon=True)
        process.start()
        time.sleep(0.05)
        process.kill()
        process.join()

    setting = Thread(target=stop.set, daemon=True)
    setting.start()
    setting.join(10)

    assert not setting.is_alive()
    assert stop.is_set()


def test_a_deadline_is_over_only_after_its_seconds() -> None:
    assert not deadline(60)()
    assert deadline(0)()
