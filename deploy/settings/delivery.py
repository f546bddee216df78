"""How digests are leased, limited and stopped."""

from datetime import timedelta

from deploy import env

from .mail import EMAIL_TIMEOUT, MAIL_ANSWER_SECONDS, SERVICE_NAMES
from .services import CELERY_BROKER_TRANSPORT_OPTIONS

# Digests that a worker leases at once, and those that it marks just before it hands them over.
DELIVERY_BATCH = env.integer("DELIVERY_BATCH", 500, least=1, most=5000)
DELIVERY_CHUNK = env.integer("DELIVERY_CHUNK", 50, least=1, most=100)
# Open connections to the mail service, for each worker process.
MAIL_CONNECTIONS = env.integer("MAIL_CONNECTIONS", 2, least=1, most=64)
# A lease must be longer than one hand-over may take, or a slow mail service would look like a
# dead worker.
_lease = env.integer(
    "DELIVERY_LEASE_SECONDS", MAIL_ANSWER_SECONDS + 10 * EMAIL_TIMEOUT, least=2, most=86400
)
DELIVERY_LEASE = timedelta(seconds=_lease)
# A task may take longer than a lease, and the broker must not give it to another meanwhile.
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = _lease + 60, _lease + 120
CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] = _lease + 240
# How many tasks may send at once, over all workers. More of them than workers do no harm.
SENDERS = env.integer("SENDERS", 2, least=1, most=1000)
# How many processes of `make run` send digests, and do whatever else takes long.
WORKER_PROCESSES = env.integer("WORKER_PROCESSES", 1, least=1, most=64)
# Limits over all workers; unset means unlimited. Messages a second and a (UTC) day, for a mail
# service by its name, or without a name for every mail service; the day's messages while a new
# mail service is warmed up, day by day; messages a second to a single mailbox provider.
MAIL_PER_SECOND = env.rates("MAIL_PER_SECOND", among=SERVICE_NAMES)
MAIL_PER_DAY = env.daily("MAIL_PER_DAY", {}, among=SERVICE_NAMES)
MAIL_WARM_UP = env.integers("MAIL_WARM_UP", [])
PROVIDER_PER_SECOND = env.provider_rates("PROVIDER_PER_SECOND", {})
# Above these shares of an hour's mail, or this much doubt in a row, an operator has to look.
BREAKER_REFUSED = env.percent("BREAKER_REFUSED_PERCENT", 5)
BREAKER_COMPLAINED = env.percent("BREAKER_COMPLAINED_PERCENT", 0.1)
BREAKER_DOUBTED = env.percent("BREAKER_DOUBTED_PERCENT", 5)
BREAKER_DOUBT_IN_A_ROW = env.integer("BREAKER_DOUBT_IN_A_ROW", 20, least=1)
# So many readers in a row who are refused in the same words are not meant: we are.
BREAKER_SAME_REFUSAL = env.integer("BREAKER_SAME_REFUSAL", 8, least=2)
BREAKER_LEAST = env.integer("BREAKER_LEAST", 100, least=1)
DELIVERY_ATTEMPTS = env.integer("DELIVERY_ATTEMPTS", 8, least=1, most=50)
DELIVERY_LATE = timedelta(hours=env.integer("DELIVERY_LATE_HOURS", 12, least=1, most=72))
DELIVERY_DOUBT = timedelta(minutes=env.integer("DELIVERY_DOUBT_MINUTES", 60, least=1, most=43200))
