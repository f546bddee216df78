"""One open connection to the mail service, and what it says of each message."""

import logging
import re
import smtplib
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from anymail.message import AnymailMessage

from . import routing
from .outcomes import Outcome, Verdict, connection_outcome, outcome_of

logger = logging.getLogger(__name__)

_NOT_PLAIN = re.compile(r'[^!-~]|[,;<>"]')


class MailService:
    """A mail service by its configured name. Use it in one thread, as a context manager."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._backend: Any = routing.connection_to(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def connect(self) -> Outcome | None:
        """Open the connection unless it is open. None when it is; else why it could not be.

        Apart from `hand_over`, because a failure here surely sent nothing.
        """
        try:
            self._backend.open()
        except Exception as error:  # whatever it is, nothing was sent
            self._close()
            return connection_outcome(error)
        return None

    def hand_over(self, message: AnymailMessage, *, following: str = "") -> Outcome:
        """Give one message to the mail service and say what became of it. Raises nothing.

        `following` is the address that the next message is for, if that comes at once: a
        server may be told so in the same breath. The connection must be open. After anything
        but a clear answer it is closed, because what stands on the line then is not known.
        """
        self._backend.following = "" if _NOT_PLAIN.search(following) else following
        try:
            _refuse_many_recipients(message)
            if not self._backend.send_messages([message]):
                # anymail answers 0 when a pre_send receiver cancelled the message.
                return Outcome(Verdict.FAILED, "The message was cancelled before it was sent.")
        except Exception as error:  # the policy knows them all
            outcome = outcome_of(error, data_begun=getattr(self._backend, "data_begun", True))
            if _is_disturbed(error):
                self._close()
            return outcome
        return Outcome(Verdict.SENT, message_id=_message_id(message))

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
    """The service's id of the message; over SMTP the only id there is, our Message-ID."""
    found = message.anymail_status.message_id or message.extra_headers.get("Message-ID", "")
    return str(found)[:300]


def _refuse_many_recipients(message: AnymailMessage) -> None:
    """A digest is for one person; anything else would show readers each other's addresses."""
    (address,) = message.recipients()
    if _NOT_PLAIN.search(address):
        raise ValueError("A digest goes to one plain address.")
