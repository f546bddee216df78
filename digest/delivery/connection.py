"""One open connection to a mail service, and what it says of each message."""

import re
import smtplib
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

from anymail.exceptions import AnymailRecipientsRefused
from anymail.message import AnymailMessage
from django.conf import settings

from . import mail_services, routing
from .limits.lines import Lines
from .outcomes import Outcome, Verdict, connection_outcome, outcome_of

# anymail returns 0 when a pre_send receiver cancelled the message.
CANCELLED = Outcome(Verdict.FAILED, "The message was cancelled before it was sent.")
# How long a mail service that could not be reached is left alone.
UNREACHABLE = timedelta(seconds=30)
# What went wrong with one connection is put to the test once more, after this many seconds.
SECOND_TRY_AFTER = 0.5
_NOT_PLAIN = re.compile(r'[^!-~]|[,;<>"]')


class Connection:
    """A connection to the mail service of this name. A context manager; use it in one thread.

    `lines` are shared with the other connections of the run. `failures` counts how many attempts to
    open this one have failed in a row.
    """

    def __init__(
        self,
        mail_service: str,
        lines: Lines | None = None,
        *,
        backend: Any = None,
        answer_seconds: float | None = None,
    ) -> None:
        self.failures = 0
        self._lines = lines or Lines()
        self._is_open = False
        self._is_used = False
        self._is_turned_away = False
        self._has_timed_out = False
        self._backend: Any = backend or routing.connection_to(mail_service)
        # Only SMTP waits so long.
        self._backend.answer_timeout = answer_seconds or settings.MAIL_ANSWER_SECONDS
        self._traits = mail_services.traits_of(routing.kind_of(self._backend))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def open(self) -> Outcome | None:
        """Open the connection unless it is open. Returns None on success, otherwise why it failed.

        Separate from `hand_over`, because a failure here surely sent nothing. A second try shows
        whether it was only this connection's end, for example because this process stood still for
        longer than the server waits. Whoever has waited in vain for an answer has tried enough.
        """
        if self._is_open:
            return None
        problem = self._try_to_open()
        if problem and problem.verdict is Verdict.RETRY and not self._has_timed_out:
            time.sleep(SECOND_TRY_AFTER)
            problem = self._try_to_open()
        self.failures = self.failures + 1 if problem else 0
        return problem

    def _try_to_open(self) -> Outcome | None:
        self._lines.begin()
        problem = None
        try:
            self._backend.open()
        except Exception as error:  # whatever it is, nothing was sent
            self._close()
            self._has_timed_out = isinstance(error, TimeoutError)
            problem = connection_outcome(error)
        self._is_open, self._is_used = problem is None, False
        self._lines.end(is_open=self._is_open)
        return problem

    def hand_over(
        self, message: AnymailMessage, *, following: AnymailMessage | None = None
    ) -> Outcome:
        """Give one message to the mail service over the open connection. Raises nothing.

        Returns what became of it. `following` is the next message if that one comes at once; an
        SMTP server can be told in the same packet. After an unclear answer the connection is
        closed, because nobody knows what is still on the line. A server that ends the connection
        before it has heard of the reader, or between two messages, after as many as it likes, gets
        this one over a new one.
        """
        outcome = self._hand_over(message, following)
        if self._is_turned_away:
            if problem := self.open():
                return replace(problem, wait=UNREACHABLE)
            outcome = self._hand_over(message, following)
        return outcome

    def _hand_over(self, message: AnymailMessage, following: AnymailMessage | None) -> Outcome:
        self._is_turned_away = False
        is_plain = following is not None and not _NOT_PLAIN.search(following.to[0])
        self._backend.following = following if is_plain else None
        try:
            _refuse_many_recipients(message)
            if not self._backend.send_messages([message]):
                return CANCELLED
            _raise_if_rejected(message)
        except Exception as error:  # the outcomes cover them all
            # Both before closing, which forgets how far we had come.
            outcome = self._outcome_of(error)
            heard_of_reader = getattr(self._backend, "sender_taken", True)
            if _is_disturbed(error) or self._is_hung_up():
                self._close()
            is_goodbye = outcome.verdict is Verdict.RETRY and _is_goodbye(error)
            self._is_turned_away = is_goodbye and (self._is_used or not heard_of_reader)
            if is_goodbye and not heard_of_reader:
                # It is about us, as if the connection had not opened.
                self.failures += 1
                outcome = replace(outcome, wait=UNREACHABLE)
            return outcome
        self._is_used = True
        return Outcome(Verdict.SENT, message_id=_message_id(message))

    def _outcome_of(self, error: Exception) -> Outcome:
        return outcome_of(
            error,
            data_begun=getattr(self._backend, "data_begun", True),
            refusals=self._traits.refusals,
        )

    def _is_hung_up(self) -> bool:
        """Whether an SMTP server closed the connection after its last answer."""
        line = getattr(self._backend, "connection", None)
        return line is not None and getattr(line, "sock", line) is None

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._lines.close()
        with suppress(OSError, smtplib.SMTPException):
            self._backend.close()


def _is_disturbed(error: Exception) -> bool:
    """Whether the connection cannot be used for the next message."""
    is_clear_answer = isinstance(
        error, smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException
    )
    return not is_clear_answer or _code_of(error) == 421


def _is_goodbye(error: Exception) -> bool:
    """Whether an SMTP server ended the connection (421), or had ended it before."""
    return _code_of(error) == 421 or isinstance(
        error, smtplib.SMTPServerDisconnected | ConnectionError
    )


def _code_of(error: Exception) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return int(next(iter(error.recipients.values()))[0])
    return int(getattr(error, "smtp_code", 0))


def _raise_if_rejected(message: AnymailMessage) -> None:
    """Raise what anymail raises only if the status says "rejected", not if it says "failed"."""
    status = message.anymail_status.status
    if status and status <= {"failed", "invalid", "rejected"}:
        raise AnymailRecipientsRefused(response=message.anymail_status.esp_response)


def _message_id(message: AnymailMessage) -> str:
    """The service's id of the message. Over SMTP the only id is our own Message-ID."""
    found = message.anymail_status.message_id or message.extra_headers.get("Message-ID", "")
    return str(found)[:300]


def _refuse_many_recipients(message: AnymailMessage) -> None:
    """A digest is for one person; a second recipient would see the first one's address."""
    (address,) = message.recipients()
    if _NOT_PLAIN.search(address):
        raise ValueError("A digest goes to one plain address.")
