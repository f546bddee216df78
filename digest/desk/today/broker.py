"""What Redis knows of the workers and their queues. Knows no models: workers use it as they start.

Workers note every few seconds that they live, by Redis's clock. Redis may be emptied at any time;
they are back within seconds.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

import redis
from django.conf import settings

_KEY = "broadsheet:workers"
# How often a worker says that it lives, when it counts as dead, and when it is forgotten.
EVERY = timedelta(seconds=10)
SILENT_AFTER = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Worker:
    """A Celery worker, and when it last said that it lives."""

    name: str
    queues: Sequence[str]
    age: timedelta

    @property
    def is_alive(self) -> bool:
        return self.age <= SILENT_AFTER


@dataclass(frozen=True, slots=True)
class Broker:
    """What Redis answered. While it is down there is only the `problem`, a class of error."""

    problem: str = ""
    queues: Mapping[str, int] = field(default_factory=dict)
    workers: Sequence[Worker] = ()

    @property
    def is_up(self) -> bool:
        return not self.problem

    def unserved(self) -> list[str]:
        """The queues that no living worker serves."""
        served = {queue for worker in self.workers if worker.is_alive for queue in worker.queues}
        return [queue for queue in self.queues if queue not in served]


def queue_names() -> list[str]:
    routes = [str(route["queue"]) for route in settings.CELERY_TASK_ROUTES.values()]
    return [*routes, str(settings.CELERY_TASK_DEFAULT_QUEUE)]


def look() -> Broker:
    """Ask Redis, for two seconds at most. Never raises."""
    names = queue_names()
    try:
        with client().pipeline(transaction=False) as asked:
            for name in names:
                asked.llen(name)
            asked.hgetall(_KEY)
            asked.time()
            *lengths, workers, (now, _) = asked.execute()
    except redis.RedisError as error:
        return Broker(problem=type(error).__name__)
    return Broker(
        queues=dict(zip(names, lengths, strict=True)),
        workers=sorted(_workers(workers, now), key=lambda worker: worker.name),
    )


def _workers(said: Mapping[bytes, bytes], now: int) -> Iterable[Worker]:
    for name, text in said.items():
        at, queues = json.loads(text)
        worker = Worker(name.decode(), queues, timedelta(seconds=max(0, now - at)))
        if worker.age < FORGOTTEN_AFTER:
            yield worker
        else:
            client().hdel(_KEY, name.decode())


# --- for the workers -----------------------------------------------------------------------
_said_at = float("-inf")


def say_alive(name: str, queues: Iterable[str]) -> None:
    """Note that this worker lives. Call it as often as you like; never raises."""
    global _said_at
    if time.monotonic() - _said_at < EVERY.total_seconds():
        return
    _said_at = time.monotonic()
    with suppress(redis.RedisError):  # whoever looks finds Redis down
        asked = client().pipeline(transaction=False)
        asked.time()
        ((now, _),) = asked.execute()
        client().hset(_KEY, name, json.dumps([now, sorted(queues)]))


def say_goodbye(name: str) -> None:
    """Forget a worker that ends by itself: nobody needs to look for it. Never raises."""
    with suppress(redis.RedisError):  # it will look dead for a day
        client().hdel(_KEY, name)


def client() -> "redis.Redis":
    return _client(settings.REDIS_URL)


@cache
def _client(url: str) -> "redis.Redis":
    # Celery has another name for a Unix socket.
    url = url.replace("redis+socket:", "unix:").replace("virtual_host=", "db=")
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
