"""The mail services, and whom the mail is from."""

import secrets
from email.utils import parseaddr

from django.core.exceptions import ImproperlyConfigured

from deploy import env

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
