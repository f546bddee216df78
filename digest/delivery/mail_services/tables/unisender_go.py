"""Unisender Go."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://godocs.unisender.ru/web-api-ref#callback-format
_BOUNCES = Bounces(
    hard=[
        {
            "status": {"hard_bounced"},
            "delivery_info.delivery_status": {
                *("err_user_unknown", "err_user_inactive", "err_mailbox_discarded"),
                "err_domain_inactive",
            },
        }
    ],
    final=[{"status": {"hard_bounced"}}],
)

# https://godocs.unisender.ru/web-api-ref#email-send, and why it drops a recipient
_REFUSALS = {
    "invalid": Meaning.SUSPECT,
    "permanent_unavailable": Meaning.ADDRESS,
    "complained": Meaning.ADDRESS,
    "temporary_unavailable": Meaning.LATER,
    "unsubscribed": Meaning.READER,
    "blocked": Meaning.READER,
}

TRAITS = Traits(name="Unisender Go", refusals=_REFUSALS, bounces=_BOUNCES)
