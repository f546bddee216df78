"""Broadsheet's settings: one file for development, tests and production.

Everything that differs between installations comes from the environment through
``deploy.env``. ``deploy/env.example`` documents the variables.
"""

import os
import secrets
from datetime import timedelta
from email.utils import parseaddr
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from deploy import env

# The arrays of a batch of readers are small, so numpy's threads would only take time from other
# workers. numpy reads this when it is imported, which happens later.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
django_stubs_ext.monkeypatch()  # so that ModelAdmin[Paper] also works at run time

# --- paths ---------------------------------------------------------------------------------
BASE_DIR = env.BASE_DIR
# Where each host notes what must survive a loss of the database; None: nowhere.
STATE_FOLDER = env.folder("STATE_FOLDER", ".broadsheet/state")

# --- site ----------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", default=False)
DEMO = env.boolean("DEMO", default=False)
SITE_URL = env.site_url("SITE_URL")
SITE_NAME = env.text("SITE_NAME", "Broadsheet")
SITE_HOST = str(urlsplit(SITE_URL).hostname)
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- apps ----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "anymail",
    "csp",
    "subscribers",
    "digest",
    *(["deploy.demo"] if DEMO else []),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # The browser's Accept-Language alone decides: no cookie, no URL for each language.
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "deploy.urls"
WSGI_APPLICATION = "deploy.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "subscribers.context.site",
            ],
        },
    },
]
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
# Static files are served from where they are, so nobody can forget to run collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- database ------------------------------------------------------------------------------
DATABASES = {
    "default": {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, **env.database("DATABASE_URL")}
}

# --- redis ---------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")

# --- celery --------------------------------------------------------------------------------
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
# A tick never waits behind what takes long, and a letter not behind digests.
CELERY_TASK_ROUTES = {"digest.tick": {"queue": "ticks"}, "subscribers.*": {"queue": "letters"}}
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
    for task in ("digest.tick", "subscribers.send_letters")
} | {"subscribers.purge": {"task": "subscribers.purge", "schedule": timedelta(hours=1)}}

# --- mail ----------------------------------------------------------------------------------
# SMTP, unless MAIL_BACKEND names another backend such as anymail.backends.postmark.EmailBackend.
# anymail gets every ANYMAIL_… variable unchanged.
EMAIL_BACKEND = env.text("MAIL_BACKEND", "digest.delivery.mail_services.smtp.EmailBackend")
_mail_server = env.mail_server("EMAIL_URL", "smtp://localhost:25")
EMAIL_HOST = _mail_server["EMAIL_HOST"]
EMAIL_PORT = _mail_server["EMAIL_PORT"]
EMAIL_HOST_USER = _mail_server["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _mail_server["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _mail_server.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail_server.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = env.integer("MAIL_TIMEOUT_SECONDS", 20, least=1, most=600)
# For an SMTP server's answer to a digest (RFC 5321 §4.5.3.2.6).
MAIL_ANSWER_SECONDS = env.integer("MAIL_ANSWER_SECONDS", 600, least=1, most=3600)
ANYMAIL = {
    "REQUESTS_TIMEOUT": EMAIL_TIMEOUT,
    # By default boto3 sends an e-mail again after a dropped connection.
    "AMAZON_SES_CLIENT_PARAMS": {
        "config": {
            "retries": {"total_max_attempts": 1},
            "connect_timeout": 5,
            "read_timeout": EMAIL_TIMEOUT,
        }
    },
    **{
        name.removeprefix("ANYMAIL_"): value
        for name, value in env.starting_with("ANYMAIL_").items()
    },
}
# Webhooks authenticate with this. Without a secret anymail accepts every request, so if none is
# set we use a random one that nobody knows.
if _webhook_secret := env.words("WEBHOOK_SECRET", []):
    ANYMAIL["WEBHOOK_SECRET"] = _webhook_secret
ANYMAIL["WEBHOOK_SECRET"] = ANYMAIL.get("WEBHOOK_SECRET") or f"nobody:{secrets.token_urlsafe(32)}"
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
MAIL_REPLY_TO = env.text("MAIL_REPLY_TO", "")
# An address whose mail reaches anymail's inbound webhook. List-Unsubscribe names it as
# unsubscribe+TOKEN@… next to the URL, for mail programs that prefer mail.
MAIL_UNSUBSCRIBE = env.text("MAIL_UNSUBSCRIBE", "")
MAIL_DOMAIN = parseaddr(DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
if not MAIL_DOMAIN:
    raise ImproperlyConfigured(
        "MAIL_FROM contains no address. It must look like Broadsheet <digest@news.example.org>."
    )
# Required by law at the foot of each digest (CAN-SPAM and similar laws elsewhere).
POSTAL_ADDRESS = env.text("POSTAL_ADDRESS", "")
# Several mail services may share the digests by weight. Letters use the one above.
MAIL_SERVICES = env.mail_services("MAIL_SERVICES")

# Digests that a worker leases at once, and those that it marks just before it hands them over.
DELIVERY_BATCH = env.integer("DELIVERY_BATCH", 500, least=1, most=5000)
DELIVERY_CHUNK = env.integer("DELIVERY_CHUNK", 50, least=1, most=100)
# Open connections to the mail service, for each worker process.
MAIL_CONNECTIONS = env.integer("MAIL_CONNECTIONS", 2, least=1, most=64)
# A lease must be longer than one hand-over may take, or a slow mail service would look like a
# dead worker.
_lease = env.integer("DELIVERY_LEASE_SECONDS", MAIL_ANSWER_SECONDS + 10 * EMAIL_TIMEOUT, least=2)
DELIVERY_LEASE = timedelta(seconds=_lease)
# A task may take longer than a lease, and the broker must not give it to another meanwhile.
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = _lease + 60, _lease + 120
CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] = _lease + 240
# How many tasks may send at once, over all workers. More of them than workers do no harm.
SENDERS = env.integer("SENDERS", 2, least=1, most=1000)
# Limits over all workers; unset means unlimited. Messages a second and a (UTC) day, for a mail
# service by its name, or without a name for every mail service; the day's messages while a new
# mail service is warmed up, day by day; messages a second to a single mailbox provider.
MAIL_PER_SECOND = env.rates("MAIL_PER_SECOND")
MAIL_PER_DAY = {name: int(number) for name, number in env.rates("MAIL_PER_DAY").items()}
MAIL_WARM_UP = [int(day) for day in env.words("MAIL_WARM_UP", [])]
PROVIDER_PER_SECOND = env.rates("PROVIDER_PER_SECOND")
# Above these shares of an hour's mail, or this much doubt in a row, an operator has to look.
BREAKER_REFUSED = env.number("BREAKER_REFUSED_PERCENT", 5) / 100
BREAKER_COMPLAINED = env.number("BREAKER_COMPLAINED_PERCENT", 0.1) / 100
BREAKER_DOUBTED = env.number("BREAKER_DOUBTED_PERCENT", 5) / 100
BREAKER_DOUBT_IN_A_ROW = env.integer("BREAKER_DOUBT_IN_A_ROW", 20, least=1)
BREAKER_LEAST = env.integer("BREAKER_LEAST", 100, least=1)
DELIVERY_ATTEMPTS = env.integer("DELIVERY_ATTEMPTS", 8, least=1, most=50)
DELIVERY_LATE = timedelta(hours=env.integer("DELIVERY_LATE_HOURS", 12, least=1, most=72))
DELIVERY_DOUBT = timedelta(minutes=env.integer("DELIVERY_DOUBT_MINUTES", 60, least=1))

# --- sources -------------------------------------------------------------------------------
SOURCES = env.words("SOURCES", ["huggingface"])
ARXIV_CATEGORIES = env.words("ARXIV_CATEGORIES", ["cs.AI", "cs.CL", "cs.CV", "cs.LG"])
FEEDS = env.words("FEEDS", [])
SOURCE_MINUTES = env.integer("SOURCE_MINUTES", 60, least=5, most=1440)
EDITION_CLOSES_HOUR = env.integer("EDITION_CLOSES_HOUR", 5, least=0, most=23)

# --- ranking -------------------------------------------------------------------------------
# Votes only break ties. Given as much weight as the content, they make the choice worse.
RANKING_VOTE_WEIGHT = env.number("RANKING_VOTE_WEIGHT", 0.02)
# How a second ranking, tried on readers, differs from this one. Each digest is drafted from both
# in turn, and each paper is stored with the ranking that chose it. Empty: no trial.
RANKING_TRIAL = env.words("RANKING_TRIAL", [])
# With fewer papers than this there is no digest; they wait for the next one.
DIGEST_LEAST_PAPERS = env.integer("DIGEST_LEAST_PAPERS", 3, least=1, most=20)

# --- privacy -------------------------------------------------------------------------------
# Separate from SECRET_KEY because they must outlive it: old unsubscribe links must keep working,
# and suppressed addresses must stay suppressed.
LINK_KEY = env.secret("LINK_KEY")
ADDRESS_KEY = env.secret("ADDRESS_KEY")
# Off: links in a digest lead straight to the papers. On: they lead through this site, which
# stores who followed which link.
TRACK_CLICKS = env.boolean("TRACK_CLICKS", default=False)

# --- security ------------------------------------------------------------------------------
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = [SITE_HOST, *env.words("ALLOWED_HOSTS", [])]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
_IS_HTTPS = SITE_URL.startswith("https:")
# A proof of work of about a second in the visitor's browser before sign-up (ALTCHA; needs HTTPS).
SIGNUP_CAPTCHA = env.boolean("SIGNUP_CAPTCHA", default=False)
# Where a sign-up form on another site may lead afterwards, such as https://blog.example.org.
SIGNUP_REDIRECTS = [origin.rstrip("/") for origin in env.words("SIGNUP_REDIRECTS", [])]
# Per hour: sign-ups from one network, letters to one domain (large mailbox providers excepted),
# and letters overall. Letters above the limits wait.
SIGNUPS_PER_NETWORK = env.integer("SIGNUPS_PER_NETWORK", 30, least=1)
SIGNUPS_PER_DOMAIN = env.integer("SIGNUPS_PER_DOMAIN", 50, least=1)
CONFIRMATIONS_PER_HOUR = env.integer("CONFIRMATIONS_PER_HOUR", 1000, least=1)
# The number of our own proxies, and so of the last X-Forwarded-For entries to believe.
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0, most=10)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = False  # RFC 8058 forbids redirecting a one-click POST; leave it to the proxy
SECURE_HSTS_SECONDS = 31536000 if _IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"  # pages with a token set no-referrer themselves
SESSION_COOKIE_SECURE = _IS_HTTPS
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SECURE = _IS_HTTPS
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "script-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        # Browsers also check the page that the sign-up form redirects to.
        "form-action": [SELF, *SIGNUP_REDIRECTS],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- logging -------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        # Its warnings contain request paths, and ours contain tokens.
        "django.request": {"level": "CRITICAL"},
    },
}
