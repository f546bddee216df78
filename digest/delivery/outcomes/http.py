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

# What each status is about where neither the service's table nor the words tell.
_MEANINGS = {
    **dict.fromkeys((401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 415, 426, 428), Meaning.US),
    **dict.fromkeys((420, 423, 425, 429), Meaning.US_FOR_NOW),
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
_KEYS_OF_WORDS = frozenset({"message", "errormessage", "error", "errors", "description", "detail"})
# MailerSend ends its sentences with them.
_HASHED = re.compile(r"#(MS\d+)")
# botocore's, raised before anything is sent.
_NO_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
)
_DEEPEST = 6
_MOST = 200


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
        return Meaning.DOUBT
    meaning = about(words)
    # An API that finds an address odd has not tried it.
    return Meaning.SUSPECT if meaning is Meaning.ADDRESS else meaning


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
    words = [body] if isinstance(body, str) else _found(body, _KEYS_OF_WORDS)
    return " ".join(words)[:1000]


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
    if isinstance(value, str | int | float):
        yield str(value)[:1000]
    elif isinstance(value, dict | list) and depth <= _DEEPEST:
        inner = value.values() if isinstance(value, dict) else value
        for one in list(inner)[:_MOST]:
            if isinstance(one, str | int | float):
                yield str(one)[:1000]


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
