"""What an answer of a mail service's HTTP API means.

Each service has its own table of codes (``mail_services``). What is not in it is told by the
status: most client errors are about the request as such (its key, its URL, the account behind it),
hence about every digest. Only a few statuses can be about one message, and then the words are
looked at.
"""

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from anymail import exceptions as anymail
from django.utils import timezone
from urllib3.exceptions import NewConnectionError

from .outcome import Meaning, Outcome, Verdict, detail_of, refusal, without_addresses
from .words import about

# What each status is about where the service's table does not tell.
_MEANINGS = {
    **dict.fromkeys((401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 415, 426, 428), Meaning.US),
    # What was sent elsewhere, or cannot be asked for like this, has reached nobody.
    **dict.fromkeys((*range(300, 400), 501, 505), Meaning.US),
    **dict.fromkeys((420, 423, 425, 429), Meaning.US_FOR_NOW),
    # Whoever stands before the service let nothing through, or did not reach it.
    **dict.fromkeys((509, 511, 521, 523, 525, 526, 530), Meaning.US_FOR_NOW),
    408: Meaning.LATER,
    409: Meaning.DOUBT,  # a conflict is with an earlier attempt, which may have been accepted
    413: Meaning.MESSAGE,
}
_KEYS_OF_CODES = frozenset(
    {
        *("code", "errorcode", "error_code", "name", "type"),
        *("reason", "reasons", "reject_reason", "failed_emails"),
    }
)
_KEYS_OF_WORDS = frozenset(
    {
        *("message", "errormessage", "error_message", "msg", "error", "errors", "description"),
        *("error_description", "detail", "details", "title", "faultstring"),
    }
)
# The field of the request that an error is about, and what ours are called.
_KEYS_OF_FIELDS = frozenset({"field", "errorrelatedto", "argument_name", "param", "parameter"})
_OUR_FIELD = re.compile(r"(?:from|sender|reply)", re.IGNORECASE)
# These are about the request as such, unless the words say otherwise.
_OF_THE_REQUEST = frozenset({421, 431, 494, 495, 496, 498})
# A service that says this has taken nothing, whatever its status.
_ACCOUNT = (
    r"(?:account|team|organi[sz]ation|workspace|tenant|subscription|plan|licen[cs]e|api.?key)s?"
)
_CLOSED = (
    r"(?:suspended|disabled|blocked|deactivated|terminated|closed|expired|revoked|invalid|on hold"
    r"|under review|not (?:yet )?(?:active|activated|approved))"
)
_OUR_ACCOUNT = re.compile(
    rf"(?<!'s )(?<!recipient )\b{_ACCOUNT}\b(?: \w+){{0,4}} {_CLOSED}\b|\b{_CLOSED} {_ACCOUNT}\b"
)
# MailerSend ends its sentences with them.
_HASHED = re.compile(r"#(MS\d+)")
# botocore's, raised before anything is sent.
_NO_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
)
_DEEPEST = 6
_MOST = 200
# What is taken for one digest's only.
_OF_ONE = frozenset({Meaning.ADDRESS, Meaning.SUSPECT, Meaning.MESSAGE, Meaning.UNKNOWN})


def api_outcome(error: anymail.AnymailError, refusals: Mapping[str, Meaning]) -> Outcome:
    """The outcome of an answer that anymail did not take for an acceptance.

    `refusals` is the service's own table: by code, or by status as "HTTP 404".
    """
    status = _status(error)
    if status is None:
        return _without_answer(error.__cause__ or error)
    body = _body(error)
    codes, words = [*_found(body, _KEYS_OF_CODES)], _words(error, body)
    codes += _HASHED.findall(words)
    wait = retry_after(error.response)
    known = [refusals[key] for key in (*codes, f"HTTP {status}") if key in refusals]
    meaning = known[0] if known else _by_status(status, wait, words)
    if meaning in _OF_ONE and any(map(_OUR_FIELD.match, _found(body, _KEYS_OF_FIELDS))):
        meaning = Meaning.US
    said = [] if meaning is Meaning.DOUBT else [*_short(codes), words]
    detail = without_addresses(" ".join([f"HTTP {status}", *said]).strip())
    return refusal(meaning, detail, wait=wait)


def rejection(error: anymail.AnymailError, refusals: Mapping[str, Meaning]) -> Outcome:
    """The outcome of an acceptance of the request that rejects its only recipient.

    Without a reason that is in the service's table, the address is suspect and no more.
    """
    if (_status(error) or 0) >= 400:
        return api_outcome(error, refusals)
    body = _body(error)
    codes, words = [*_found(body, _KEYS_OF_CODES)], _words(error, body)
    said = " ".join([*_short(codes), words])
    known = [refusals[code] for code in codes if code in refusals]
    by_words = about(words)
    is_about_us = by_words in {Meaning.US, Meaning.US_FOR_NOW}
    return refusal(
        known[0] if known else by_words if is_about_us else Meaning.SUSPECT,
        without_addresses(f"{type(error).__name__}: {said}".strip(": ")),
    )


def _status(error: anymail.AnymailError) -> int | None:
    """The status of the answer, or None if there was none. boto3 gives an answer as a dict."""
    answer = error.response
    if isinstance(answer, dict):
        return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    status = error.status_code or getattr(answer, "status_code", None)
    return None if status is None else int(status)


def _without_answer(cause: BaseException) -> Outcome:
    if type(cause).__name__ in _NO_CREDENTIALS:
        return Outcome(Verdict.STOP, detail_of(cause))
    verdict = Verdict.RETRY if _never_connected(cause) else Verdict.UNCERTAIN
    return Outcome(verdict, detail_of(cause))


def _by_status(status: int, wait: timedelta | None, words: str) -> Meaning:
    if status == 503 and wait is not None:
        return Meaning.US_FOR_NOW
    if status in _MEANINGS:
        return _MEANINGS[status]
    if not 400 <= status < 500:
        is_closed = status >= 500 and _is_our_account(words)
        return Meaning.US if is_closed else Meaning.DOUBT
    meaning = about(words)
    if meaning is Meaning.UNKNOWN and status in _OF_THE_REQUEST:
        return Meaning.US
    # An API that finds an address odd has not tried it.
    return Meaning.SUSPECT if meaning is Meaning.ADDRESS else meaning


def _is_our_account(words: str) -> bool:
    return _OUR_ACCOUNT.search(" ".join(words.lower().split())) is not None


def _body(error: anymail.AnymailError) -> Any:
    """The answer's content: JSON as it is, any other as text."""
    response = error.response
    if isinstance(response, dict):
        return response
    try:
        return response.json()
    except Exception:  # whatever a strange answer raises, it is no JSON
        with contextlib.suppress(Exception):
            return str(response.text)
        return ""


def _words(error: anymail.AnymailError, body: Any) -> str:
    words = [body] if isinstance(body, str) else [*_found(body, _KEYS_OF_WORDS)]
    return " ".join(words or _leaves(body, 0))[:1000]


def _short(codes: list[str]) -> list[str]:
    return list(dict.fromkeys(code for code in codes if len(code) <= 60))[:3]


def _found(body: Any, keys: frozenset[str], depth: int = 0) -> Iterator[str]:
    """The texts and numbers under these keys, however deep; of a list, those in it."""
    if depth > _DEEPEST:
        return
    if isinstance(body, list):
        for one in body[:_MOST]:
            yield from _found(one, keys, depth + 1)
    elif isinstance(body, dict):
        for key, value in list(body.items())[:_MOST]:
            if str(key).lower().replace("-", "_") in keys:
                yield from _leaves(value, depth + 1)
            if isinstance(value, dict | list):
                yield from _found(value, keys, depth + 1)


def _leaves(value: Any, depth: int) -> Iterator[str]:
    """The texts and numbers in a value, but not those in a list's objects, which have keys."""
    if isinstance(value, str | int | float):
        yield str(value)[:1000]
    elif isinstance(value, dict | list) and depth <= _DEEPEST:
        inner = list(value.values() if isinstance(value, dict) else value)[:_MOST]
        for one in inner:
            if isinstance(value, dict) or not isinstance(one, dict):
                yield from _leaves(one, depth + 1)


def _never_connected(cause: BaseException) -> bool:
    """Whether no connection was made at all; in any other case the message may have arrived."""
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    if type(cause).__name__ in {"EndpointConnectionError", "ConnectTimeoutError"}:  # botocore's
        return True
    reason = getattr(cause.args[0], "reason", None) if cause.args else None
    return isinstance(reason, NewConnectionError)


def retry_after(response: Any) -> timedelta | None:
    """The Retry-After header, as seconds or a date (RFC 9110 §10.2.3): a second to a day.

    None if there is none, or something that is neither.
    """
    try:
        value = response.headers.get("Retry-After")
        text = value.decode("ascii") if isinstance(value, bytes) else str(value or "")
        seconds = _seconds(text.strip())
    except Exception:  # the header can be anything, and what is left is the status
        return None
    return timedelta(seconds=min(max(seconds, 1.0), 86400.0))


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        at = parsedate_to_datetime(value)
        aware = at if at.tzinfo else at.replace(tzinfo=UTC)
        seconds = (aware - timezone.now()).total_seconds()
    if math.isnan(seconds):
        raise ValueError(value)
    return seconds
