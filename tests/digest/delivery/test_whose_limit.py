"""Whose limit, or whose host, an answer to RCPT is about."""

import smtplib

import pytest

from digest.delivery.outcomes import Verdict, outcome_of


@pytest.mark.parametrize(
    ("answer", "verdict", "is_bad_address"),
    [
        ("550 5.7.1 spam detected, your SMTP is blocked; see our site", Verdict.STOP, False),
        ("554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException", Verdict.STOP, False),
        ("550 5.2.252 SendAsDenied; digest@news.example.org not allowed", Verdict.STOP, False),
        (
            "550 Requested action not taken: mailbox unavailable invalid DNS MX or A/AAAA resource "
            "record",
            Verdict.STOP,
            False,
        ),
        # A reader's own limits, or a relay of theirs, hold up nobody else.
        ("550 User r@dest.example has exceeded its 24-hour receiving limit", Verdict.FAILED, False),
        (
            "550 5.4.316 Message expired, connection refused(Socket error 10061)",
            Verdict.FAILED,
            False,
        ),
        ("550 5.4.310 DNS domain dest.example does not exist", Verdict.FAILED, True),
    ],
)
def test_whose_limit_or_host_it_is_decides(
    answer: str, verdict: Verdict, is_bad_address: bool
) -> None:
    code, text = int(answer[:3]), answer[4:].encode()

    outcome = outcome_of(smtplib.SMTPRecipientsRefused({"r@dest.example": (code, text)}))

    assert (outcome.verdict, outcome.is_bad_address) == (verdict, is_bad_address)
