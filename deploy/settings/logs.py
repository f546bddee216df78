"""What is logged, and where."""

from deploy import env

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO", among=_LEVELS)},
    "loggers": {
        # Its warnings contain request paths, and ours contain tokens. `deploy.guard` logs failures
        # without them.
        "django.request": {"level": "CRITICAL"},
        "waitress": {"level": "CRITICAL"},
    },
}
