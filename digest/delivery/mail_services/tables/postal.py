"""Postal."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://docs.postalserver.io/developer/webhooks
# It says only that it has given up. A mail that came back later says nothing at all.
_BOUNCES = Bounces(final=[{"payload.status": {"HardFail"}}])

# https://docs.postalserver.io/developer/api (all of them with status 200)
_REFUSALS = {
    "AccessDenied": Meaning.US,
    "InvalidServerAPIKey": Meaning.US,
    "ServerSuspended": Meaning.US,
    "FromAddressMissing": Meaning.US,
    "UnauthenticatedFromAddress": Meaning.US,
    "NoRecipients": Meaning.MESSAGE,
    "NoContent": Meaning.MESSAGE,
    "TooManyToAddresses": Meaning.MESSAGE,
    "AttachmentMissingName": Meaning.MESSAGE,
    "AttachmentMissingData": Meaning.MESSAGE,
}

TRAITS = Traits(name="Postal", refusals=_REFUSALS, bounces=_BOUNCES)
