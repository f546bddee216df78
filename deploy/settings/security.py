"""Keys, privacy, and what keeps strangers out."""

from csp.constants import NONE, SELF

from deploy import env, limits

from .site import SITE_HOST, SITE_URL

# Separate from SECRET_KEY because they must outlive it: old unsubscribe links must keep working,
# and suppressed addresses must stay suppressed.
LINK_KEY = env.secret("LINK_KEY")
ADDRESS_KEY = env.secret("ADDRESS_KEY")
# Off: links in a digest lead straight to the papers. On: they lead through this site, which
# stores who followed which link.
TRACK_CLICKS = env.boolean("TRACK_CLICKS", default=False)

SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = [
    f"[{SITE_HOST}]" if ":" in SITE_HOST else SITE_HOST,  # as browsers write it
    *env.hosts("ALLOWED_HOSTS", []),
]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
_IS_HTTPS = SITE_URL.startswith("https:")
# A proof of work of about a second in the visitor's browser before sign-up (ALTCHA; needs HTTPS).
SIGNUP_CAPTCHA = env.boolean("SIGNUP_CAPTCHA", default=False)
# Where a sign-up form on another site may lead afterwards, such as https://blog.example.org.
SIGNUP_REDIRECTS = env.origins("SIGNUP_REDIRECTS", [])
# Per hour: sign-ups from one network, letters to one domain (large mailbox providers excepted),
# and letters overall. Letters above the limits wait.
SIGNUPS_PER_NETWORK = env.integer("SIGNUPS_PER_NETWORK", 60, least=1)
SIGNUPS_PER_DOMAIN = env.integer("SIGNUPS_PER_DOMAIN", 50, least=1)
CONFIRMATIONS_PER_HOUR = env.integer("CONFIRMATIONS_PER_HOUR", 1000, least=1)
# How many requests a minute each token of the API may make.
API_PER_MINUTE = env.integer("API_PER_MINUTE", 600, least=1)
# The number of our own proxies, and so of the last X-Forwarded-For entries to believe.
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0, most=10)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = False  # RFC 8058 forbids redirecting a one-click POST; leave it to the proxy
SECURE_HSTS_SECONDS = 31536000 if _IS_HTTPS else 0
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # the redirect is left to the proxy, as said above
    # Only the operator knows what else is served under their domain, by HTTP perhaps.
    "security.W005",
    "security.W021",
]
SECURE_REFERRER_POLICY = "same-origin"  # pages with a token set no-referrer themselves
# Stored by the hash of their key, so that a copy of the database opens the admin to nobody.
SESSION_ENGINE = "deploy.sessions"
SESSION_COOKIE_SECURE = _IS_HTTPS
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SAMESITE = "Strict"
# An operator who does nothing for so long must log in again, and in any case after the eight hours.
SESSION_IDLE_SECONDS = 60 * env.integer("SESSION_IDLE_MINUTES", 60, least=1, most=480)
# The roles that need a second factor to see anything but the page for adding one.
SECOND_FACTOR_FOR = env.words(
    "SECOND_FACTOR_FOR", ["operator", "owner"], among=("viewer", "editor", "operator", "owner")
)
CSRF_COOKIE_SECURE = _IS_HTTPS
X_FRAME_OPTIONS = "DENY"
# What a request may contain: see `deploy.limits`, which has a smaller limit for most pages.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = limits.MOST_BYTES
# No upload is ever written to a disk: a larger one is not kept at all.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
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
