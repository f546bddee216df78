"""Brevo: it recognises a request by its key, so a digest in doubt can be sent again safely.

Name this backend in MAIL_BACKEND instead of anymail's own; the ANYMAIL_… variables stay the same.
"""

from datetime import timedelta
from typing import Any

from anymail.backends import brevo
from anymail.exceptions import AnymailAPIError

from digest.delivery.outcomes import Outcome, Verdict

from .base import Traits


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


def _outcome_of(error: AnymailAPIError) -> Outcome | None:
    """Brevo has seen the key, so an earlier attempt may have been accepted."""
    if error.status_code is not None and "duplicate_parameter" in error.response.text:
        return Outcome(Verdict.UNCERTAIN, f"HTTP {error.status_code}")
    return None


TRAITS = Traits(
    name="Brevo", outcome_of=_outcome_of, soft_bounces={"event": frozenset({"soft_bounce"})}
)
