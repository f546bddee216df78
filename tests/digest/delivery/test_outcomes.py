"""What each exception means. The SMTP ones are raised by smtplib itself; see test_service."""

import smtplib
from datetime import timedelta

import pytest
import requests
import responses
from anymail.exceptions import AnymailConfigurationError, AnymailRecipientsRefused
from django.core.mail import EmailMessage, get_connection
from pytest_django import Settings

from digest.delivery.outcomes import Outcome, Verdict, connection_outcome, outcome_of

POSTMARK = "https://api.postmarkapp.com/email"


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (smtplib.SMTPSenderRefused(451, b"later", "us@x.example"), Verdict.RETRY),
        (smtplib.SMTPSenderRefused(550, b"not you", "us@x.example"), Verdict.STOP),
        (smtplib.SMTPDataError(451, b"4.7.1 greylisted"), Verdict.RETRY),
        (smtplib.SMTPDataError(554, b"5.6.0 no"), Verdict.FAILED),
        (smtplib.SMTPServerDisconnected("gone"), Verdict.UNCERTAIN),
        (TimeoutError("slow"), Verdict.UNCERTAIN),
        (ConnectionResetError(), Verdict.UNCERTAIN),
        (smtplib.SMTPNotSupportedError("SMTPUTF8"), Verdict.FAILED),
        (AnymailConfigurationError("no key"), Verdict.STOP),
        (AnymailRecipientsRefused(), Verdict.FAILED),
        (ValueError("header"), Verdict.FAILED),
        (RuntimeError("nobody knows"), Verdict.UNCERTAIN),
    ],
)
def test_an_exception_means(error: Exception, verdict: Verdict) -> None:
    assert outcome_of(error).verdict is verdict


@pytest.mark.parametrize(
    ("answer", "verdict", "is_bad_address"),
    [
        ((450, b"4.2.0 busy"), Verdict.RETRY, False),
        ((550, b"5.1.1 no such user"), Verdict.FAILED, True),
        ((550, b"no such user"), Verdict.FAILED, True),
        ((550, b"5.7.1 your host is not welcome"), Verdict.STOP, False),
        ((552, b"5.2.2 mailbox full"), Verdict.FAILED, False),
    ],
)
def test_a_refused_recipient_means(
    answer: tuple[int, bytes], verdict: Verdict, is_bad_address: bool
) -> None:
    outcome = outcome_of(smtplib.SMTPRecipientsRefused({"r@x.example": answer}))

    assert (outcome.verdict, outcome.is_bad_address) == (verdict, is_bad_address)


def test_a_connection_lost_before_the_message_is_harmless() -> None:
    error = smtplib.SMTPServerDisconnected("gone")

    assert outcome_of(error, data_begun=True).verdict is Verdict.UNCERTAIN
    assert outcome_of(error, data_begun=False).verdict is Verdict.RETRY


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (smtplib.SMTPAuthenticationError(535, b"no"), Verdict.STOP),
        (smtplib.SMTPConnectError(421, b"busy"), Verdict.RETRY),
        (smtplib.SMTPServerDisconnected("gone"), Verdict.RETRY),
        (ConnectionRefusedError(), Verdict.RETRY),
    ],
)
def test_a_connection_that_fails_means(error: Exception, verdict: Verdict) -> None:
    assert connection_outcome(error).verdict is verdict


def test_no_address_is_kept_in_the_detail() -> None:
    error = smtplib.SMTPDataError(550, b"5.1.1 <reader@dest.example> is unknown")

    assert outcome_of(error).detail == "SMTP 550 5.1.1 <<address>> is unknown"


def api_outcome(settings: Settings) -> Outcome:
    """The outcome of one real hand-over through anymail's Postmark backend."""
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "test", "REQUESTS_TIMEOUT": 1}
    backend = get_connection("anymail.backends.postmark.EmailBackend")
    message = EmailMessage("Subject", "Body", "us@x.example", ["reader@dest.example"])
    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one is what we are after
        backend.send_messages([message])
    return outcome_of(caught.value)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (400, Verdict.FAILED),
        (401, Verdict.STOP),
        (403, Verdict.STOP),
        (413, Verdict.FAILED),
        (422, Verdict.FAILED),
        (429, Verdict.RETRY),
        (500, Verdict.UNCERTAIN),
        (502, Verdict.UNCERTAIN),
        (503, Verdict.UNCERTAIN),
        (504, Verdict.UNCERTAIN),
    ],
)
@responses.activate
def test_a_service_s_status_means(settings: Settings, status: int, verdict: Verdict) -> None:
    responses.post(POSTMARK, status=status, json={"ErrorCode": 10, "Message": "no"})

    assert api_outcome(settings).verdict is verdict


@responses.activate
def test_an_answer_that_cannot_be_read_is_uncertain(settings: Settings) -> None:
    responses.post(POSTMARK, status=200, body="<html>all is well</html>")

    assert api_outcome(settings).verdict is Verdict.UNCERTAIN


@responses.activate
def test_a_service_that_asks_to_wait_is_given_the_time(settings: Settings) -> None:
    responses.post(POSTMARK, status=429, headers={"Retry-After": "17"}, json={})

    outcome = api_outcome(settings)

    assert (outcome.verdict, outcome.wait) == (Verdict.RETRY, timedelta(seconds=17))


@responses.activate
def test_a_busy_service_with_a_time_is_not_in_doubt(settings: Settings) -> None:
    responses.post(POSTMARK, status=503, headers={"Retry-After": "5"}, json={})

    assert api_outcome(settings).verdict is Verdict.RETRY


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [
        (requests.exceptions.ConnectTimeout("slow"), Verdict.RETRY),
        (requests.exceptions.ReadTimeout("slow"), Verdict.UNCERTAIN),
        (requests.exceptions.ConnectionError("Remote end closed"), Verdict.UNCERTAIN),
        (requests.exceptions.ChunkedEncodingError("cut"), Verdict.UNCERTAIN),
    ],
)
@responses.activate
def test_a_broken_connection_to_a_service_means(
    settings: Settings, cause: Exception, verdict: Verdict
) -> None:
    responses.post(POSTMARK, body=cause)

    assert api_outcome(settings).verdict is verdict


def test_a_service_that_nobody_listens_for_was_never_reached(settings: Settings) -> None:
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_API_URL": "http://127.0.0.1:1/"}
    backend = get_connection("anymail.backends.postmark.EmailBackend")
    message = EmailMessage("Subject", "Body", "us@x.example", ["reader@dest.example"])

    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        backend.send_messages([message])

    assert outcome_of(caught.value).verdict is Verdict.RETRY
