"""What an exception from a mail backend means for the digest that was being handed over.

In go an exception and, for an HTTP service, its table of codes; out comes an `Outcome`. Read
``outcome`` first, then ``words`` (what a sentence is about), ``smtp`` and ``http``.

An exception does not mean "not sent". Only what surely was not accepted may be tried again; what
may have been accepted is *uncertain*, because a digest is never knowingly sent twice. A refusal of
us is never a refusal of a reader: it holds the mail service and spends no digest, and an address is
suppressed only on evidence about that address.
"""

import smtplib
from collections.abc import Mapping

from anymail import exceptions as anymail
from django.core.exceptions import ImproperlyConfigured

from . import http, smtp
from .outcome import Meaning, Outcome, Verdict, detail_of, sameness

__all__ = ["Meaning", "Outcome", "Verdict", "connection_outcome", "outcome_of", "sameness"]


def outcome_of(
    error: Exception, *, data_begun: bool = True, refusals: Mapping[str, Meaning] | None = None
) -> Outcome:
    """The outcome that an exception stands for when it was raised while handing over one message.

    `data_begun` is False if an SMTP conversation had not reached the message itself, which makes a
    lost connection harmless. `refusals` is the table of an HTTP service. The cases follow what
    django-anymail 15 and smtplib raise; anything they do not list is uncertain.
    """
    match error:
        case smtplib.SMTPRecipientsRefused():
            return smtp.to_recipient(error)
        case smtplib.SMTPSenderRefused():
            return smtp.to_sender(error)
        case smtplib.SMTPAuthenticationError():
            return smtp.to_login(error)
        case smtplib.SMTPHeloError() | smtplib.SMTPConnectError():
            return smtp.to_greeting(error)
        case smtplib.SMTPResponseException():
            return smtp.to_text(error)
        case smtplib.SMTPNotSupportedError():
            return Outcome(Verdict.FAILED, detail_of(error))
        case anymail.AnymailConfigurationError() | ImproperlyConfigured():
            return Outcome(Verdict.STOP, detail_of(error))
        case anymail.AnymailRecipientsRefused():
            return http.rejection(error, refusals or {})
        case anymail.AnymailAPIError():
            return http.api_outcome(error, refusals or {})
        case smtplib.SMTPServerDisconnected() | TimeoutError() | ConnectionError():
            return smtp.lost(error, data_begun=data_begun)
        case anymail.AnymailError() | ValueError():
            # Raised before anything is sent: an impossible address, feature or header.
            return Outcome(Verdict.FAILED, detail_of(error))
        case _:
            return Outcome(Verdict.UNCERTAIN, detail_of(error))


def connection_outcome(error: Exception) -> Outcome:
    """The outcome of an exception raised while a connection was being opened: nothing was sent."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return smtp.to_login(error)
        case smtplib.SMTPResponseException():
            return smtp.to_greeting(error)
        case anymail.AnymailConfigurationError() | ImproperlyConfigured():
            return Outcome(Verdict.STOP, detail_of(error))
    # boto3 only looks at its settings here.
    is_setting = type(error).__module__.startswith("botocore")
    return Outcome(Verdict.STOP if is_setting else Verdict.RETRY, detail_of(error))
