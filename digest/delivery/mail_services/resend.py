"""Resend: it recognises a request by its key, so a digest in doubt can be sent again safely.

Name this backend in MAIL_BACKEND instead of anymail's own; the ANYMAIL_… variables stay the same.
"""

from datetime import timedelta
from typing import Any

from anymail.backends import resend


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
