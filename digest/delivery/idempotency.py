"""Mail services that know a request again by its key, so that a digest in doubt may be repeated.

Name one in MAIL_BACKEND in place of anymail's own; the ANYMAIL_… variables stay the same. The
key is the digest's uuid: the same at each attempt, and never that of another message.
"""

from datetime import timedelta
from typing import Any

from anymail.backends import brevo, resend


class ResendBackend(resend.EmailBackend):  # type: ignore[misc]  # anymail has no types
    """Resend takes the key as an HTTP header, which anymail cannot be told to set.

    The same payload is answered as it was the first time and not sent again; another one is
    refused with 409. https://resend.com/docs/dashboard/emails/idempotency-keys
    """

    idempotent_for = timedelta(hours=24)

    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        payload = super().build_message_payload(message, defaults)
        if key := _key(payload):
            payload.headers["Idempotency-Key"] = key
        return payload


class BrevoBackend(brevo.EmailBackend):  # type: ignore[misc]  # anymail has no types
    """Brevo takes the key among the message's headers, and refuses a key it has seen.

    It names 30 minutes, in an older place 15: the shorter is the safer.
    https://developers.brevo.com/docs/heterogenous-versions-batch-emails
    """

    idempotent_for = timedelta(minutes=15)

    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        payload = super().build_message_payload(message, defaults)
        if key := _key(payload):
            payload.data["headers"]["idempotencyKey"] = key
        return payload


def _key(payload: Any) -> str:
    """The digest's uuid, or "" for a letter, which may be sent twice without harm."""
    return str(payload.metadata.get("digest", ""))
