"""MailerSend."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://developers.mailersend.com/api/v1/webhooks.html
_BOUNCES = Bounces(hard=[{"data.type": {"hard_bounced"}}])

# https://developers.mailersend.com/general.html#validation-errors, and why it drops a recipient
_REFUSALS = {
    "MS42207": Meaning.US,
    "MS42225": Meaning.US,
    "hard_bounced": Meaning.ADDRESS,
    "spam_complaint": Meaning.ADDRESS,
    "spam_complaints": Meaning.ADDRESS,
    "unsubscribed": Meaning.READER,
    "blocklisted": Meaning.READER,
    "on_hold": Meaning.READER,
}

TRAITS = Traits(name="MailerSend", refusals=_REFUSALS, bounces=_BOUNCES)
