"""One open connection to a mail service, and what it says of each message."""

import re
import smtplib
from contextlib import suppress
from typing import Any, Self

from anymail.exceptions import AnymailAPIError
from anymail.message import AnymailMessage

from . import mail_services, routing
from .outcomes import Outcome, Verdict, connection_outcome, outcome_of

# anymail returns 0 when a pre_send receiver cancelled the message.
CANCELLED = Outcome(Verdict.FAILED, "The message was cancelled before it was sent.")
_NOT_PLAIN = re.compile(r'[^!-~]|[,;<>"]')


class Connection:
    """A connection to the mail service of this name. A context manager; use it in one thread."""

    def __init__(self, mail_service: str) -> None:
        self._backend: Any = routing.connection_to(mail_service)
        self._traits = mail_services.traits_of(routing.kind_of(self._backend))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def open(self) -> Outcome | None:
        """Open the connection unless it is open. Returns None on success, otherwise why it failed.

        Separate from `hand_over`, because a failure here surely sent nothing.
        """
        try:
            self._backend.open()
        except Exception as error:  # whatever it is, nothing was sent
            self._close()
            return connection_outcome(error)
        return None

    def hand_over(self, message: AnymailMessage, *, following: str = "") -> Outcome:
        """Give one message to the mail service over the open connection. Raises nothing.

        Returns what became of it. `following` is the address of the next message if that one comes
        at once; an SMTP server can be told in the same packet. After an unclear answer the
        connection is closed, because nobody knows what is still on the line.
        """
        self._backend.following = "" if _NOT_PLAIN.search(following) else following
        try:
            _refuse_many_recipients(message)
            if not self._backend.send_messages([message]):
                return CANCELLED
        except Exception as error:  # the outcomes cover them all
            outcome = self._outcome_of(error)  # before closing, which forgets how far we had come
            if _is_disturbed(error):
                self._close()
            return outcome
        return Outcome(Verdict.SENT, message_id=_message_id(message))

    def _outcome_of(self, error: Exception) -> Outcome:
        special = self._traits.outcome_of(error) if isinstance(error, AnymailAPIError) else None
        return special or outcome_of(error, data_begun=getattr(self._backend, "data_begun", True))

    def _close(self) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self._backend.close()


def _is_disturbed(error: Exception) -> bool:
    """Whether the connection cannot be used for the next message."""
    is_clear_answer = isinstance(
        error, smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException
    )
    return not is_clear_answer or getattr(error, "smtp_code", 0) == 421


def _message_id(message: AnymailMessage) -> str:
    """The service's id of the message. Over SMTP the only id is our own Message-ID."""
    found = message.anymail_status.message_id or message.extra_headers.get("Message-ID", "")
    return str(found)[:300]


def _refuse_many_recipients(message: AnymailMessage) -> None:
    """A digest is for one person; a second recipient would see the first one's address."""
    (address,) = message.recipients()
    if _NOT_PLAIN.search(address):
        raise ValueError("A digest goes to one plain address.")
