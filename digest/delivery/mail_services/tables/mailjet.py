"""Mailjet."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://dev.mailjet.com/email/guides/webhooks/
_BOUNCES = Bounces(
    hard=[
        {
            "event": {"bounce"},
            "hard_bounce": {"true"},
            "error": {
                *("user unknown", "mailbox inactive", "invalid domain"),
                *("no mail host", "typofix"),
            },
        }
    ],
    final=[{"event": {"bounce"}, "hard_bounce": {"true"}}],
    blocks=[{"event": {"bounce"}, "error_related_to": {"content", "policy", "spam", "mailjet"}}],
)

# https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors
_REFUSALS = {
    "send-0008": Meaning.US,
    "mj-0002": Meaning.MESSAGE,
    "mj-0003": Meaning.MESSAGE,
    "mj-0004": Meaning.MESSAGE,
    "mj-0013": Meaning.SUSPECT,
    "send-0003": Meaning.MESSAGE,
    "send-0010": Meaning.MESSAGE,
    "HTTP 401": Meaning.US,
    "HTTP 403": Meaning.US,
}

TRAITS = Traits(name="Mailjet", refusals=_REFUSALS, bounces=_BOUNCES)
