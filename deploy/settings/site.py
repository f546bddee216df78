"""What the site is, and what Django runs."""

from urllib.parse import urlsplit

from deploy import env

BASE_DIR = env.BASE_DIR
# Where each host notes what must survive a loss of the database; None: nowhere.
STATE_FOLDER = env.folder("STATE_FOLDER", ".broadsheet/state")

DEBUG = env.boolean("DEBUG", default=False)
DEMO = env.boolean("DEMO", default=False)
SITE_URL = env.site_url("SITE_URL")
SITE_NAME = env.title("SITE_NAME", "Broadsheet")
SITE_HOST = str(urlsplit(SITE_URL).hostname)
# The operator's own pages, linked at the foot of every page: a URL, or a mail address.
PRIVACY_URL = env.link("PRIVACY_URL", "")
IMPRINT_URL = env.link("IMPRINT_URL", "")
CONTACT_URL = env.link("CONTACT_URL", "")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

INSTALLED_APPS = [
    "digest.desk.apps.DeskConfig",  # django.contrib.admin
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
    "digest.bounces",  # for its command
    "deploy.keeping",
    "deploy.installing",  # its commands
    *(["deploy.demo"] if DEMO else []),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    # Before everything that looks at the request's host or needs the database.
    "deploy.watching.probes.Probes",
    # Before everything that reads what a request contains.
    "deploy.guard.Guard",
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
            "libraries": {"desk": "digest.desk.tags", "site": "digest.site.tags"},
        },
    },
]
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
# Static files are served from where they are, so nobody can forget to run collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
