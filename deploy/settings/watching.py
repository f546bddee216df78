"""Who is told when something goes wrong, and what monitoring may read."""

from deploy import env

# The operators' addresses. They get a message when something begins to need them, and when it is
# well again (`manage.py watch`).
OPERATORS_MAIL = env.addresses("OPERATORS_MAIL", [])
# An SMTP server for these messages, because the letters' own may be what is broken.
ALERTS_EMAIL = env.mail_server("ALERTS_EMAIL_URL", "") if env.text("ALERTS_EMAIL_URL", "") else None
# Where the same is posted as JSON.
ALERTS_WEBHOOK_URL = env.pages("ALERTS_WEBHOOK_URL", [])
# Folders on other disks of this host whose room should be watched, such as PostgreSQL's.
WATCH_FOLDERS = env.folders("WATCH_FOLDERS", [])
# What a program must send to read /metrics; without one there is no such page.
METRICS_TOKEN = env.secrets("METRICS_TOKEN", [], pattern=r"[!-~]{16,}")
