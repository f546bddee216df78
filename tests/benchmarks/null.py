"""A mail service that accepts everything and does nothing, to measure the engine alone."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmailBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Build each message's bytes, as a real backend would, and discard them."""
        for message in email_messages:
            message.message().as_bytes()
        return len(email_messages)
