"""The mail services, and whom the mail is from."""

import secrets
from email.utils import parseaddr

from deploy import env
from deploy.values import backends

from .site import SITE_HOST

# SMTP, unless MAIL_BACKEND names another backend such as anymail.backends.postmark.EmailBackend.
# anymail gets every ANYMAIL_… variable unchanged.
EMAIL_BACKEND = env.mail_backend("MAIL_BACKEND", "digest.delivery.mail_services.smtp.EmailBackend")
_mail_server = env.mail_server("EMAIL_URL", "smtp://localhost:25")
EMAIL_HOST = _mail_server["host"]
EMAIL_PORT = _mail_server["port"]
EMAIL_HOST_USER = _mail_server["username"]
EMAIL_HOST_PASSWORD = _mail_server["password"]
EMAIL_USE_TLS = _mail_server["use_tls"]
EMAIL_USE_SSL = _mail_server["use_ssl"]
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
if _webhook_secret := env.secrets("WEBHOOK_SECRET", [], pattern=r"[!-9;-~]+:[!-~]+"):
    ANYMAIL["WEBHOOK_SECRET"] = _webhook_secret
ANYMAIL["WEBHOOK_SECRET"] = ANYMAIL.get("WEBHOOK_SECRET") or f"nobody:{secrets.token_urlsafe(32)}"
DEFAULT_FROM_EMAIL = env.mailbox("MAIL_FROM")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# The name by which we greet an SMTP server. It should resolve, and be the name of the IP address.
MAIL_EHLO = env.host("MAIL_EHLO", "") or SITE_HOST
MAIL_REPLY_TO = env.mailbox("MAIL_REPLY_TO", "")
# An address whose mail reaches anymail's inbound webhook. List-Unsubscribe names it as
# unsubscribe+TOKEN@… next to the URL, for mail programs that prefer mail.
MAIL_UNSUBSCRIBE = env.address("MAIL_UNSUBSCRIBE", "")
# Over SMTP, bounces come back by mail. The sender on each envelope is bounces+TOKEN@… of this
# address, and where they arrive is read: by ``digest.bounces``, or through a pipe.
MAIL_BOUNCES = env.address("MAIL_BOUNCES", "")
MAIL_BOUNCES_MAILBOX = env.mail_store("MAIL_BOUNCES_MAILBOX", "")
MAIL_DOMAIN = parseaddr(DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
# For `manage.py check_delivery`, which cannot see how a mail server or service sends: the DKIM keys
# (selector, or selector@domain), the IP addresses, and the domain of the envelope's sender.
DKIM_SELECTORS = env.selectors("DKIM_SELECTORS", [])
MAIL_SENDING_IPS = env.ip_addresses("MAIL_SENDING_IPS", [])
MAIL_ENVELOPE_DOMAIN = env.host("MAIL_ENVELOPE_DOMAIN", "")
# Required by law at the foot of each digest (CAN-SPAM and similar laws elsewhere).
POSTAL_ADDRESS = env.text("POSTAL_ADDRESS", "")
# What hands the letters over; it goes by the rules of the digests.
LETTER_CARRIER = "digest.delivery.letters.Carrier"
# Several mail services may share the digests by weight. Letters use the one above.
MAIL_SERVICES = env.mail_services("MAIL_SERVICES")
# What limits may name; "" stands for every service.
SERVICE_NAMES = ("", *MAIL_SERVICES) if MAIL_SERVICES else backends.service_names(EMAIL_BACKEND)
# For staging: nobody else is sent anything. All mail then goes through a wall around the backend.
MAIL_ONLY_TO = env.recipients("MAIL_ONLY_TO", [])
MAIL_BACKEND = EMAIL_BACKEND
if MAIL_ONLY_TO:
    EMAIL_BACKEND = backends.ONLY_TO
    MAIL_SERVICES = {name: backends.walled(service) for name, service in MAIL_SERVICES.items()}
