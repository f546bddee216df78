"""SendGrid."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
_BOUNCES = Bounces(
    hard=[
        {"event": {"bounce"}, "type": {"bounce"}},
        {"event": {"dropped"}, "reason": {"Bounced Address", "Invalid"}},
    ],
    blocks=[
        {"event": {"bounce"}, "type": {"blocked"}},
        {
            "event": {"bounce"},
            "bounce_classification": {"Content", "Reputation", "Frequency or Volume Too High"},
        },
    ],
)

# https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses
_REFUSALS = {
    "HTTP 401": Meaning.US,
    "HTTP 403": Meaning.US,
    "HTTP 404": Meaning.US,
    "HTTP 405": Meaning.US,
    "HTTP 406": Meaning.US,
    "HTTP 413": Meaning.MESSAGE,
    "HTTP 415": Meaning.US,
    "HTTP 429": Meaning.US_FOR_NOW,
}

TRAITS = Traits(name="SendGrid", refusals=_REFUSALS, bounces=_BOUNCES)
