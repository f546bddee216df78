"""Mailtrap."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://docs.mailtrap.io/email-api-smtp/advanced/webhooks
_BOUNCES = Bounces(
    hard=[{"event": {"bounce"}, "bounce_category": {"hard", "badmailbox", "invalid"}}],
    final=[{"event": {"bounce"}}],
    blocks=[{"event": {"bounce"}, "bounce_category": {"blocked", "policy", "reputation", "spam"}}],
)

# https://docs.mailtrap.io/developers/email-sending (400 can be about anything)
_REFUSALS = {
    "HTTP 401": Meaning.US,
    "HTTP 403": Meaning.US,
    "HTTP 404": Meaning.US,
    "HTTP 413": Meaning.MESSAGE,
    "HTTP 429": Meaning.US_FOR_NOW,
}

TRAITS = Traits(name="Mailtrap", refusals=_REFUSALS, bounces=_BOUNCES)
