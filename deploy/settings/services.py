"""PostgreSQL, Redis and Celery."""

from datetime import timedelta

from deploy import env

DATABASES = {
    "default": {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, **env.database("DATABASE_URL")}
}

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
CELERY_TASK_DEFAULT_QUEUE = "digests"
# A tick never waits behind what takes long, and neither a letter nor a webhook behind digests.
CELERY_TASK_ROUTES = {
    "digest.tick": {"queue": "ticks"},
    # Exact names count before patterns. An import takes minutes, so no letter waits behind it.
    "subscribers.import_readers": {"queue": "digests"},
    "subscribers.*": {"queue": "letters"},
    "digest.call_endpoint": {"queue": "letters"},
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
