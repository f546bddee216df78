"""Scaleway: anymail knows no webhooks of it, so nothing is known of its bounces."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.outcomes import Meaning

# https://www.scaleway.com/en/developers/api/#errors ("invalid_arguments" can be about anything)
_REFUSALS = {
    "denied_authentication": Meaning.US,
    "permissions_denied": Meaning.US,
    "quotas_exceeded": Meaning.US_FOR_NOW,
    "resource_locked": Meaning.US,
    "resource_expired": Meaning.US,
    "not_found": Meaning.US,
    "precondition_failed": Meaning.US,
    "transient_state": Meaning.US_FOR_NOW,
}

TRAITS = Traits(name="Scaleway", refusals=_REFUSALS)
