"""Broadsheet's settings: one file for development, tests and production.

Everything that differs from place to place comes from the environment through
``deploy.env``; ``deploy/env.example`` lists the variables.
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

# The arrays of a batch of readers are small; numpy's threads would only spin beside the other
# workers. Read when numpy is imported, which is later than this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
django_stubs_ext.monkeypatch()  # ModelAdmin[Paper] and its like also at run time

# --- paths ---------------------------------------------------------------------------------
BASE_DIR = env.BASE_DIR

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
    # By the browser's wish alone: no cookie, no address per language.
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
# The few files there are come from where they lie: one step less to forget (collectstatic).
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- database ------------------------------------------------------------------------------
DATABASES = {
    "default": {
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        **env.database("DATABASE_URL"),
    }
}

# --- redis ---------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")

# --- celery --------------------------------------------------------------------------------
# The broker is a doorbell: a lost or doubled task changes nothing but the minute in which
# the work is noticed. So: no results, late acknowledgement, and a short patience with a
# Redis that does not answer, because a web request may be waiting.
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # One try to publish. Without these kombu tries for ever, and a web request with it.
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_DEFAULT_QUEUE = "digests"
CELERY_TASK_ROUTES = {"subscribers.*": {"queue": "letters"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
TICK_SECONDS = env.integer("TICK_SECONDS", 60, least=1, most=3600)
# Without "expires": Celery judges it by the worker's clock, and a worker whose clock is wrong
# would throw every task away. Ticks that piled up find nothing to do and cost nothing.
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": timedelta(seconds=TICK_SECONDS)}
    for task in ("digest.tick", "subscribers.send_letters")
} | {"subscribers.purge": {"task": "subscribers.purge", "schedule": timedelta(hours=1)}}

# --- mail ----------------------------------------------------------------------------------
# SMTP unless another backend is named, for example anymail.backends.postmark.EmailBackend;
# then every ANYMAIL_… variable is handed to anymail as it stands.
EMAIL_BACKEND = env.text("MAIL_BACKEND", "digest.delivery.mail_services.smtp.EmailBackend")
_mail_server = env.mail_server("EMAIL_URL", "smtp://localhost:25")
EMAIL_HOST = _mail_server["EMAIL_HOST"]
EMAIL_PORT = _mail_server["EMAIL_PORT"]
EMAIL_HOST_USER = _mail_server["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _mail_server["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _mail_server.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail_server.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = env.integer("MAIL_TIMEOUT_SECONDS", 20, least=1, most=600)
ANYMAIL = {
    "REQUESTS_TIMEOUT": EMAIL_TIMEOUT,
    # boto3 would send an e-mail again by itself after a dropped connection.
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
# What a webhook has to know. Without one anymail believes anybody: then it is one nobody knows.
if _webhook_secret := env.words("WEBHOOK_SECRET", []):
    ANYMAIL["WEBHOOK_SECRET"] = _webhook_secret
ANYMAIL["WEBHOOK_SECRET"] = ANYMAIL.get("WEBHOOK_SECRET") or f"nobody:{secrets.token_urlsafe(32)}"
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
MAIL_REPLY_TO = env.text("MAIL_REPLY_TO", "")
# An address whose mail anymail's inbound webhook brings back: it goes into List-Unsubscribe
# beside the web address, as unsubscribe+TOKEN@…, for mail programs that prefer mail.
MAIL_UNSUBSCRIBE = env.text("MAIL_UNSUBSCRIBE", "")
MAIL_DOMAIN = parseaddr(DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
if not MAIL_DOMAIN:
    raise ImproperlyConfigured(
        "MAIL_FROM must look like Broadsheet <digest@news.example.org>: an address is missing."
    )
# The law asks for it at the foot of each digest (CAN-SPAM, and its like elsewhere).
POSTAL_ADDRESS = env.text("POSTAL_ADDRESS", "")

# Several services may share the digests by weight; letters go by the one above.
MAIL_SERVICES = env.mail_services("MAIL_SERVICES")

# --- delivery ------------------------------------------------------------------------------
# How many digests a worker leases at once, and how many of them are marked as being sent
# before the mail service is called: the second is all that a killed worker leaves in doubt.
DELIVERY_BATCH = env.integer("DELIVERY_BATCH", 500, least=1, most=5000)
DELIVERY_CHUNK = env.integer("DELIVERY_CHUNK", 50, least=1, most=100)
# Open connections of each worker process to the mail service.
MAIL_CONNECTIONS = env.integer("MAIL_CONNECTIONS", 2, least=1, most=64)
# One hand-over must always fit into the lease, or a slow mail service would look like a dead
# worker; what is left of a chunk when its lease ends is given back.
DELIVERY_LEASE = timedelta(
    seconds=env.integer("DELIVERY_LEASE_SECONDS", max(300, EMAIL_TIMEOUT * 10), least=2)
)
# How many workers a tick calls to the work; more than there are does no harm.
SENDERS = env.integer("SENDERS", 2, least=1, most=1000)
# What a mail service allows, over all workers: messages a second, and a (UTC) day, by its name,
# or without one for each of them; while a new one is warmed up, how many on its first day, its
# second …; and messages a second to single mailbox providers. Not set: no limit.
MAIL_PER_SECOND = env.rates("MAIL_PER_SECOND")
MAIL_PER_DAY = {name: int(number) for name, number in env.rates("MAIL_PER_DAY").items()}
MAIL_WARM_UP = [int(day) for day in env.words("MAIL_WARM_UP", [])]
PROVIDER_PER_SECOND = env.rates("PROVIDER_PER_SECOND")
# The shares of an hour's mail from which on sending stops until an operator looks at it.
BREAKER_REFUSED = env.number("BREAKER_REFUSED_PERCENT", 5) / 100
BREAKER_COMPLAINED = env.number("BREAKER_COMPLAINED_PERCENT", 0.1) / 100
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
# Votes break ties; as an equal of the content they make the choice worse.
RANKING_VOTE_WEIGHT = env.number("RANKING_VOTE_WEIGHT", 0.02)
# What another ranking does differently that is to be tried on readers beside this one: each
# digest is drafted from both, and who chose a paper is kept. Empty: nothing is tried.
RANKING_TRIAL = env.words("RANKING_TRIAL", [])
# Fewer papers than this are not a digest; they wait for the next one.
DIGEST_LEAST_PAPERS = env.integer("DIGEST_LEAST_PAPERS", 3, least=1, most=20)

# --- sign-up -------------------------------------------------------------------------------
# The visitor's browser computes for a second before it may sign up (ALTCHA). Needs HTTPS.
SIGNUP_CAPTCHA = env.boolean("SIGNUP_CAPTCHA", default=False)
# Where a form on another site may lead afterwards: https://blog.example.org, without a path.
SIGNUP_REDIRECTS = [origin.rstrip("/") for origin in env.words("SIGNUP_REDIRECTS", [])]
# Each within an hour: sign-ups from one network; letters to one domain that is no large
# mailbox provider; letters over all, above which they wait.
SIGNUPS_PER_NETWORK = env.integer("SIGNUPS_PER_NETWORK", 30, least=1)
SIGNUPS_PER_DOMAIN = env.integer("SIGNUPS_PER_DOMAIN", 50, least=1)
CONFIRMATIONS_PER_HOUR = env.integer("CONFIRMATIONS_PER_HOUR", 1000, least=1)
# How many proxies of ours stand before the site; X-Forwarded-For is believed so far.
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0, most=10)

# --- privacy -------------------------------------------------------------------------------
# Two keys apart from SECRET_KEY, because they outlive it: old unsubscribe links must go on
# working, and a suppressed address must stay suppressed.
LINK_KEY = env.secret("LINK_KEY")
ADDRESS_KEY = env.secret("ADDRESS_KEY")
# Off: the links in a digest lead straight to the papers. On: they lead through this site, which
# keeps who followed which.
TRACK_CLICKS = env.boolean("TRACK_CLICKS", default=False)

# --- security ------------------------------------------------------------------------------
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = [SITE_HOST, *env.words("ALLOWED_HOSTS", [])]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
_IS_HTTPS = SITE_URL.startswith("https:")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = False  # RFC 8058 forbids a redirect on one-click; the proxy does the rest
SECURE_HSTS_SECONDS = 31536000 if _IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"  # pages with a token say no-referrer themselves
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
        # Where the sign-up form leads is part of what a browser asks this of.
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
        # Its warnings hold whole request paths, and ours hold tokens.
        "django.request": {"level": "CRITICAL"},
    },
}
