"""What is logged, and where; and who hears of errors."""

from deploy import env
from deploy.watching import errors

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_FORMAT = env.text("LOG_FORMAT", "line", among=("line", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "json": {"()": "deploy.watching.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO", among=_LEVELS)},
    "loggers": {
        # Its warnings contain request paths, and ours contain tokens. `deploy.guard` logs failures
        # without them.
        "django.request": {"level": "CRITICAL"},
        "waitress": {"level": "CRITICAL"},
        # It would log each task three times.
        "celery": {"level": "WARNING"},
    },
}
SENTRY_DSN = env.text("SENTRY_DSN", "")
if SENTRY_DSN:
    errors.report_to(SENTRY_DSN)
