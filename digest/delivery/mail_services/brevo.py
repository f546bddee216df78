"""Brevo: it recognises a request by its key, so a digest in doubt can be sent again safely.

Name this backend in MAIL_BACKEND instead of anymail's own; the ANYMAIL_… variables stay the same.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from anymail.backends import brevo

from digest.delivery.outcomes import Meaning

from .base import Traits
from .bounces import Bounces


class EmailBackend(brevo.EmailBackend):  # type: ignore[misc]  # anymail has no types
    """anymail's backend with an idempotency key, which Brevo takes among the message's headers.

    The key is the digest's uuid: the same at every attempt, and never that of another message.
    Brevo refuses a key that it has seen. It keeps keys for 30 minutes by one page and for 15 by an
    older one; we rely on the shorter time.
    https://developers.brevo.com/docs/heterogenous-versions-batch-emails
    """

    idempotent_for = timedelta(minutes=15)

    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        payload = super().build_message_payload(message, defaults)
        # A letter has no digest, and may be sent twice without harm.
        if key := payload.metadata.get("digest"):
            payload.data["headers"]["idempotencyKey"] = str(key)
        return payload


# https://developers.brevo.com/docs/transactional-webhooks
# "blocked" names an address that is on the account's own list for any reason.
_BOUNCES = Bounces(hard=[{"event": {"hard_bounce", "invalid_email"}}])

# https://developers.brevo.com/docs/how-it-works#error-codes
_REFUSALS = {
    "unauthorized": Meaning.US,
    "permission_denied": Meaning.US,
    "account_under_validation": Meaning.US,
    "not_enough_credits": Meaning.US,
    "not_acceptable": Meaning.US,
    "method_not_allowed": Meaning.US,
    "document_not_found": Meaning.US,
    "reseller_permission_denied": Meaning.US,
    "too_many_requests": Meaning.US_FOR_NOW,
    # It has seen the key, so an earlier attempt may have been accepted.
    "duplicate_parameter": Meaning.DOUBT,
    "duplicate_request": Meaning.DOUBT,
    "out_of_range": Meaning.MESSAGE,
}

TRAITS = Traits(name="Brevo", refusals=_REFUSALS, bounces=_BOUNCES)
# Its old name, under which anymail still takes webhooks.
OLD_TRAITS = replace(TRAITS, name="SendinBlue")
