"""Mailgun."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://documentation.mailgun.com/docs/mailgun/user-manual/events/events
# The second patterns are of webhooks as they were before 2018, which a domain may still send.
_BOUNCES = Bounces(
    hard=[
        {
            "event-data.severity": {"permanent"},
            "event-data.reason": {"bounce", "delayed-bounce", "suppress-bounce"},
        },
    ],
    final=[
        {"event-data.event": {"failed"}, "event-data.severity": {"permanent"}},
        {"event": {"bounced"}},
    ],
    blocks=[
        {"event-data.event": {"failed"}, "event-data.reason": {"espblock", "blacklisted"}},
        {"event-data.reason": {"suppress-complaint", "suppress-unsubscribe"}},
    ],
)

# https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview#errors
# 400 can be about anything.
_REFUSALS = {
    "HTTP 401": Meaning.US,
    "HTTP 402": Meaning.US,
    "HTTP 403": Meaning.US,
    "HTTP 404": Meaning.US,
    "HTTP 413": Meaning.MESSAGE,
    "HTTP 429": Meaning.US_FOR_NOW,
}

TRAITS = Traits(name="Mailgun", refusals=_REFUSALS, bounces=_BOUNCES)
