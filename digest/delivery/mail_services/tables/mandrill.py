"""Mandrill (Mailchimp Transactional)."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://mailchimp.com/developer/transactional/docs/webhooks/
_BOUNCES = Bounces(
    hard=[{"event": {"hard_bounce"}}],
    blocks=[
        {
            "event": {"hard_bounce", "soft_bounce"},
            "msg.bounce_description": {
                *("admin_failure", "mail_block", "spam_block", "spam_content"),
                *("prohibited_attachment", "relaying_denied"),
            },
        }
    ],
)

# https://mailchimp.com/developer/transactional/docs/error-glossary/ (with status 500), and why it
# rejects a recipient
_REFUSALS = {
    "Invalid_Key": Meaning.US,
    "PaymentRequired": Meaning.US,
    "Unknown_Subaccount": Meaning.US,
    "ServiceUnavailable": Meaning.US_FOR_NOW,
    "ValidationError": Meaning.MESSAGE,
    "GeneralError": Meaning.DOUBT,
    "hard-bounce": Meaning.ADDRESS,
    "spam": Meaning.ADDRESS,
    "invalid": Meaning.SUSPECT,
    "unsub": Meaning.READER,
    "custom": Meaning.READER,
    "soft-bounce": Meaning.READER,
    "rule": Meaning.READER,
    "recipient-domain-policy": Meaning.READER,
    "invalid-sender": Meaning.US,
    "unsigned": Meaning.US,
    "test-mode-limit": Meaning.US,
}

TRAITS = Traits(name="Mandrill", refusals=_REFUSALS, bounces=_BOUNCES)
