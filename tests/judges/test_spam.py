"""SpamAssassin, with the rules it comes with and no network, on all mails."""

import re
import subprocess

import pytest

from tests.judges import program
from tests.judges.everything import every_mail

pytestmark = pytest.mark.django_db

MOST = 1.0
# As a mailbox provider writes above what our mail service hands it.
RECEIVED = (
    b"Received: from mail.example.org (mail.example.org [198.252.206.16])\r\n"
    b"\tby mx.dest.example (Postfix) with ESMTPS id 4Z; Mon, 23 Nov 2026 07:00:02 +0000\r\n"
)
ADVERTISING = (
    b"From: a@b.example\r\nTo: c@dest.example\r\nSubject: FREE VIAGRA!!! ACT NOW\r\n\r\n"
    b"Dear friend, you won $1,000,000! Click here, 100% guaranteed, no obligation!\r\n"
)


def score_of(raw: bytes) -> float:
    """The sum of the rules that the mail hits; 5 and more is spam."""
    command = [program("spamassassin"), "--local", "--test-mode"]
    run = subprocess.run(command, input=RECEIVED + raw, capture_output=True, check=True)
    found = re.search(rb"^X-Spam-Status: .*?score=(-?[\d.]+)", run.stdout, re.MULTILINE)
    assert found is not None, run.stdout[-2000:]
    return float(found.group(1))


def test_the_judge_knows_advertising() -> None:
    assert score_of(ADVERTISING) > MOST


@pytest.mark.parametrize("name", ["digest", "weekly digest", "letter: confirm"])
def test_a_mail_is_far_from_spam(name: str) -> None:
    mail = every_mail()[name]

    assert score_of(mail) < MOST
