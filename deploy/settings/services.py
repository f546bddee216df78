"""PostgreSQL, Redis and Celery."""

from datetime import timedelta
from typing import Any

from deploy import env

# Seconds after which a host that is cut off counts as lost: by the server, whose locks it may hold,
# and by itself. By default that takes the server two hours.
_LOST = {"idle": 30, "interval": 10, "count": 3}
_LOST_MS = {"tcp_user_timeout": 60_000}
# What our sessions commit is on the disk, whatever the server, the database or the role has set: a
# mark that a crash undoes would be a second mail.
_session: dict[str, object] = {"synchronous_commit": "on"}
_session |= {f"tcp_keepalives_{name}": value for name, value in _LOST.items()} | _LOST_MS
_client = {f"keepalives_{name}": value for name, value in _LOST.items()} | _LOST_MS
_kept: dict[str, Any] = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}

# A pooler in transaction mode lends a session of the server for one transaction, so nothing can be
# set in it. What needs a session, such as an import with its temporary tables, asks the server
# itself (`subscribers.database.directly`).
_server = env.database("DATABASE_DIRECT_URL", "", session=_session, client=_client)
DATABASES: dict[str, dict[str, Any]] = {
    "default": _kept
    | env.database("DATABASE_URL", session={} if _server else _session, client=_client)
}
if _server:
    DATABASES["default"] |= {"DISABLE_SERVER_SIDE_CURSORS": True}
    DATABASES["direct"] = _kept | _server | {"TEST": {"MIRROR": "default"}}

REDIS_URL = env.redis("REDIS_URL")

# A lost or repeated task merely changes when work is noticed. Hence no results, late
# acknowledgement, and short timeouts for a silent Redis: a web request may be waiting.
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # One attempt to publish. By default kombu retries forever, and the web request waits.
    **dict.fromkeys(("max_retries", "interval_start", "interval_step", "interval_max"), 0),
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
# Somebody waits for a letter, and nothing is sent without ticks. So whatever takes long has queues
# of its own: sending, and everything else (sources, imports, webhooks, pruning). A process that
# serves letters must serve neither of those.
CELERY_TASK_DEFAULT_QUEUE = "chores"
CELERY_TASK_ROUTES = {
    "digest.tick": {"queue": "ticks"},
    "subscribers.send_letters": {"queue": "letters"},
    "digest.send": {"queue": "digests"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
TICK_SECONDS = env.integer("TICK_SECONDS", 60, least=1, most=3600)
# No "expires": Celery compares it with the worker's clock, so a worker whose clock is wrong
# would discard every task. Ticks that have piled up find nothing to do and cost nothing.
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": timedelta(seconds=TICK_SECONDS)}
    for task in ("digest.tick", "subscribers.send_letters", "subscribers.import_readers")
} | {
    task: {"task": task, "schedule": timedelta(hours=1)}
    for task in ("subscribers.purge", "digest.prune")
}
