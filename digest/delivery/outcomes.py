"""What an exception from a mail backend means for the digest that was being handed over.

An exception does not mean "not sent". Only what surely was not accepted may be tried again; what
may have been accepted is *uncertain*, because a digest is never knowingly sent twice. What is
particular to one mail service is in ``mail_services``.
"""

import re
import smtplib
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus

import requests
from anymail import exceptions as anymail
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from urllib3.exceptions import NewConnectionError

_ADDRESS = re.compile(r"[^\s<>\"',;:]+@[^\s<>\"',;:]+")


class Verdict(Enum):
    SENT = "sent"
    RETRY = "retry"  # surely not accepted, but may be later
    FAILED = "failed"  # surely not accepted, and never will be
    STOP = "stop"  # surely not accepted, and the next one will not be either: the run stops
    UNCERTAIN = "uncertain"  # may have been accepted


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one hand-over. `detail` holds no address and fits the digest's row.

    `wait` is how long the mail service asked us to leave it alone. `is_bad_address` says that the
    address itself was refused and should be suppressed.
    """

    verdict: Verdict
    detail: str = ""
    message_id: str = ""
    wait: timedelta | None = None
    is_bad_address: bool = False


def outcome_of(error: Exception, *, data_begun: bool = True) -> Outcome:
    """The outcome that an exception stands for when it was raised while handing over one message.

    `data_begun` is False if an SMTP conversation had not reached the message itself, which makes a
    lost connection harmless. The table follows what django-anymail 15 and smtplib raise; anything
    it does not list is uncertain.
    """
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _refused_recipient(error)
        case smtplib.SMTPSenderRefused():
            return _smtp(error, permanent=Verdict.STOP)
        case smtplib.SMTPResponseException():
            return _smtp(error, permanent=Verdict.FAILED)
        case smtplib.SMTPNotSupportedError():
            return Outcome(Verdict.FAILED, _detail(error))
        case smtplib.SMTPServerDisconnected() | TimeoutError() | ConnectionError():
            return Outcome(Verdict.UNCERTAIN if data_begun else Verdict.RETRY, _detail(error))
        case anymail.AnymailConfigurationError() | ImproperlyConfigured():
            return Outcome(Verdict.STOP, _detail(error))
        case anymail.AnymailRecipientsRefused():
            return Outcome(Verdict.FAILED, _detail(error), is_bad_address=True)
        case anymail.AnymailAPIError():
            return _api(error)
        case anymail.AnymailError() | ValueError():
            # Raised before anything is sent: an impossible address, feature or header.
            return Outcome(Verdict.FAILED, _detail(error))
        case _:
            return Outcome(Verdict.UNCERTAIN, _detail(error))


def connection_outcome(error: Exception) -> Outcome:
    """The outcome of an exception raised while a connection was being opened: nothing was sent."""
    needs_operator = isinstance(error, smtplib.SMTPAuthenticationError | ImproperlyConfigured)
    return Outcome(Verdict.STOP if needs_operator else Verdict.RETRY, _detail(error))


def _refused_recipient(error: smtplib.SMTPRecipientsRefused) -> Outcome:
    code, text = next(iter(error.recipients.values()))
    if 400 <= code < 500:
        return Outcome(Verdict.RETRY, _smtp_detail(code, text))
    # 5.1.x is about the address (RFC 3463). Others, 5.7.x for one, are about us: the address is
    # good.
    status = re.match(rb"5\.(\d+)\.", text)
    is_bad_address = status.group(1) == b"1" if status else code in {550, 551, 553}
    return Outcome(Verdict.FAILED, _smtp_detail(code, text), is_bad_address=is_bad_address)


def _smtp(error: smtplib.SMTPResponseException, *, permanent: Verdict) -> Outcome:
    verdict = Verdict.RETRY if 400 <= error.smtp_code < 500 else permanent
    return Outcome(verdict, _smtp_detail(error.smtp_code, error.smtp_error))


def _api(error: anymail.AnymailAPIError) -> Outcome:
    """The outcome of an API answer that anymail did not take for an acceptance."""
    if error.status_code is None:
        cause = error.__cause__ or error
        verdict = Verdict.RETRY if _never_connected(cause) else Verdict.UNCERTAIN
        return Outcome(verdict, _detail(cause))
    status = int(error.status_code)
    detail = f"HTTP {status}"
    wait = _retry_after(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None
    ):
        return Outcome(Verdict.RETRY, detail, wait=wait or timedelta(seconds=60))
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Outcome(Verdict.STOP, detail)
    # A conflict is with an earlier attempt, which may have been accepted.
    is_refused = 400 <= status < 500 and status != HTTPStatus.CONFLICT
    return Outcome(Verdict.FAILED if is_refused else Verdict.UNCERTAIN, detail)


def _never_connected(cause: BaseException) -> bool:
    """Whether no connection was made at all; in any other case the message may have arrived."""
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    reason = getattr(cause.args[0], "reason", None) if cause.args else None
    return isinstance(reason, NewConnectionError)


def _retry_after(error: anymail.AnymailAPIError) -> timedelta | None:
    """The Retry-After header, as seconds or a date (RFC 9110 §10.2.3), up to a day."""
    value = getattr(error.response, "headers", {}).get("Retry-After", "").strip()
    if value.isdigit():
        wait = timedelta(seconds=int(value))
    else:
        try:
            wait = parsedate_to_datetime(value) - timezone.now()
        except (ValueError, TypeError):
            return None
    return min(max(wait, timedelta(seconds=1)), timedelta(days=1))


def _smtp_detail(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _without_addresses(f"SMTP {code} {words}")


def _detail(error: BaseException) -> str:
    return _without_addresses(f"{type(error).__name__}: {error}")


def _without_addresses(text: str) -> str:
    # An answer may quote the reader's address, and more people read a row than a mail. PostgreSQL
    # cannot store NUL.
    return _ADDRESS.sub("<address>", " ".join(text.replace("\0", "").split()))[:300]
