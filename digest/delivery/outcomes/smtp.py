"""What the answers of an SMTP server mean, by the command that they answer."""

import re
import smtplib

from .outcome import Meaning, Outcome, Verdict, detail_of, refusal, without_addresses
from .words import about, status_of

# A server whose own directory is down says "535" too (Dovecot, Cyrus SASL).
_PASSING = re.compile(
    r"temporar|try again|later|connection lost|internal|generic failure|unavailable|timed? ?out"
    r"|too many",
    re.IGNORECASE,
)


def to_login(error: smtplib.SMTPAuthenticationError) -> Outcome:
    """A login that fails needs an operator, unless the server says that it fails for now."""
    text = _text(error.smtp_error)
    is_passing = 400 <= error.smtp_code < 500 or _PASSING.search(text)
    return Outcome(Verdict.RETRY if is_passing else Verdict.STOP, _detail(error.smtp_code, text))


def to_greeting(error: smtplib.SMTPResponseException) -> Outcome:
    """A refusal before anything was asked: of our host or its name, or of everybody for now."""
    text = _text(error.smtp_error)
    is_about_us = isinstance(error, smtplib.SMTPHeloError) or _about(text) is Meaning.US
    needs_operator = error.smtp_code >= 500 and is_about_us
    return Outcome(
        Verdict.STOP if needs_operator else Verdict.RETRY, _detail(error.smtp_code, text)
    )


def to_sender(error: smtplib.SMTPSenderRefused) -> Outcome:
    """The answer to MAIL: no reader was named yet, so only the message's size is not about us."""
    text = _text(error.smtp_error)
    meaning = _about(text)
    if meaning is not Meaning.MESSAGE:
        is_passing = error.smtp_code < 500 or meaning is Meaning.US_FOR_NOW
        meaning = Meaning.US_FOR_NOW if is_passing else Meaning.US
    return refusal(meaning, _detail(error.smtp_code, text))


def to_recipient(error: smtplib.SMTPRecipientsRefused) -> Outcome:
    code, text = next(iter(error.recipients.values()))
    return _to_message(code, _text(text))


def to_text(error: smtplib.SMTPResponseException) -> Outcome:
    """The answer to DATA, or to the message's end."""
    return _to_message(error.smtp_code, _text(error.smtp_error))


def _to_message(code: int, text: str) -> Outcome:
    meaning = _about(text)
    if code < 400:
        meaning = Meaning.DOUBT  # an answer to something else than we asked
    elif code < 500:
        meaning = _for_now(code, meaning, text)
    return refusal(meaning, _detail(code, text))


def _for_now(code: int, meaning: Meaning, text: str) -> Meaning:
    """What a "not now" is about. About us, it costs no attempt, and whoever said so rests."""
    if _ACCOUNT.search(text):
        return Meaning.US_FOR_NOW
    is_about_us = meaning in {Meaning.US, Meaning.US_FOR_NOW}
    return Meaning.BUSY if code == 421 or is_about_us or _BUSY.search(text) else Meaning.LATER


_BUSY = re.compile(r"server (?:is )?(?:too )?busy|overload|system load|resources", re.IGNORECASE)
# Limits of our account at the service itself, which no provider's rest would help against.
_ACCOUNT = re.compile(
    r"throttling failure|maximum credits|(?:sending|relay|submission) (?:quota|limit)"
    r"|dail\w+ (?:\w+ ){0,2}quota",
    re.IGNORECASE,
)


def _about(text: str) -> Meaning:
    return about(text, status_of(text))


def lost(error: Exception, *, data_begun: bool) -> Outcome:
    """A connection that broke: in doubt only once the message's text had begun to go out."""
    return Outcome(Verdict.UNCERTAIN if data_begun else Verdict.RETRY, detail_of(error))


def _text(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _detail(code: int, text: str) -> str:
    return without_addresses(f"SMTP {code} {text}")
