"""SpamAssassin on our mails, with its built-in rules and without network."""

import re
import subprocess
from email.utils import formatdate

import pytest

from tests.judges import program
from tests.judges.everything import every_mail

pytestmark = pytest.mark.django_db

MOST = 1.0
# The header that a mailbox provider adds to a mail from our mail service.
RECEIVED = (
    "Received: from mail.example.org (mail.example.org [198.252.206.16])\r\n"
    f"\tby mx.dest.example (Postfix) with ESMTPS id 4Z; {formatdate()}\r\n"
).encode()
ADVERTISING = (
    b"From: a@b.example\r\nTo: c@dest.example\r\nSubject: FREE VIAGRA!!! ACT NOW\r\n\r\n"
    b"Dear friend, you won $1,000,000! Click here, 100% guaranteed, no obligation!\r\n"
)


def score_of(raw: bytes) -> float:
    """The mail's score; 5 and above is spam."""
    command = [program("spamassassin"), "--local", "--test-mode"]
    run = subprocess.run(command, input=RECEIVED + raw, capture_output=True, check=True)
    found = re.search(rb"^X-Spam-Status: .*?score=(-?[\d.]+)", run.stdout, re.MULTILINE)
    assert found is not None, run.stdout[-2000:]
    return float(found.group(1))


def test_advertising_scores_as_spam() -> None:
    assert score_of(ADVERTISING) > MOST


@pytest.mark.parametrize("name", ["digest", "weekly digest", "letter: confirm"])
def test_a_mail_is_far_from_spam(name: str) -> None:
    mail = every_mail()[name]

    assert score_of(mail) < MOST
