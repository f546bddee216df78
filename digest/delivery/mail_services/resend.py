"""Resend: it recognises a request by its key, so a digest in doubt can be sent again safely.

Name this backend in MAIL_BACKEND instead of anymail's own; the ANYMAIL_… variables stay the same.
"""

from datetime import timedelta
from typing import Any

from anymail.backends import resend

from digest.delivery.outcomes import Meaning

from .base import Traits
from .bounces import Bounces


class EmailBackend(resend.EmailBackend):  # type: ignore[misc]  # anymail has no types
    """anymail's backend with an idempotency key, an HTTP header that anymail cannot be told to set.

    The key is the digest's uuid: the same at every attempt, and never that of another message.
    Resend answers the same payload as it did the first time without sending it again, and refuses
    a different payload under the same key with 409, which leaves the digest in doubt.
    https://resend.com/docs/dashboard/emails/idempotency-keys
    """

    idempotent_for = timedelta(hours=24)

    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        payload = super().build_message_payload(message, defaults)
        # A letter has no digest, and may be sent twice without harm.
        if key := payload.metadata.get("digest"):
            payload.headers["Idempotency-Key"] = str(key)
        return payload


# https://resend.com/docs/dashboard/emails/email-bounces
# An address on the account's own suppression list may be there for any reason.
_BOUNCES = Bounces(
    hard=[
        {
            "data.bounce.type": {"Permanent"},
            "data.bounce.subType": {"", "General", "NoEmail", "Suppressed"},
        }
    ],
    blocks=[
        {"data.bounce.subType": {"ContentRejected", "AttachmentRejected"}},
        {"data.bounce.subType": {"OnAccountSuppressionList"}},
    ],
)

# https://resend.com/docs/api-reference/errors ("validation_error" can be about anything)
_REFUSALS = {
    "missing_api_key": Meaning.US,
    "restricted_api_key": Meaning.US,
    "invalid_api_key": Meaning.US,
    "invalid_access": Meaning.US,
    "invalid_from_address": Meaning.US,
    "invalid_region": Meaning.US,
    "not_found": Meaning.US,
    "method_not_allowed": Meaning.US,
    "security_error": Meaning.US,
    "daily_quota_exceeded": Meaning.US_FOR_NOW,
    "monthly_quota_exceeded": Meaning.US_FOR_NOW,
    "rate_limit_exceeded": Meaning.US_FOR_NOW,
    "invalid_idempotent_request": Meaning.DOUBT,
    "concurrent_idempotent_requests": Meaning.DOUBT,
    "invalid_idempotency_key": Meaning.MESSAGE,
    "invalid_attachment": Meaning.MESSAGE,
    "missing_required_field": Meaning.MESSAGE,
}

TRAITS = Traits(name="Resend", refusals=_REFUSALS, bounces=_BOUNCES)
