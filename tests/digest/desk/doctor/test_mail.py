"""What comes back to the site, and the mail itself: each fault is found."""

import pytest
from pytest_django import Settings

from digest.desk.doctor import mail
from digest.desk.doctor.arrived import Arrived
from digest.desk.doctor.findings import Verdict
from digest.desk.doctor.setup import setup_of

from .conftest import Site, wrong_of


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "ok"), (404, "ok"), (301, "wrong"), (308, "wrong"), (403, "wrong"), (500, "wrong")],
)
def test_one_click_is_posted_and_not_redirected(
    status: int, verdict: str, good: Settings, site: Site
) -> None:
    site.status = status

    found = mail.check_one_click()

    assert (found.verdict, str(status) in found.found) == (verdict, True)
    assert [body for _path, body in site.posted] == [b"List-Unsubscribe=One-Click"]


def test_one_click_needs_https_and_a_valid_certificate(good: Settings, site: Site) -> None:
    good.SITE_URL = f"https://127.0.0.1:{site.server_address[1]}"
    not_valid = mail.check_one_click()
    good.SITE_URL = "http://localhost"
    not_https = mail.check_one_click()
    good.SITE_URL = "https://localhost:9"
    not_there = mail.check_one_click()

    assert not_valid.found == "The certificate of SITE_URL is not valid."
    assert not_https.found.startswith("SITE_URL is not https")
    assert not_there.verdict is Verdict.UNKNOWN


def test_a_webhook_without_a_good_secret_is_wrong_for_a_hosted_service(good: Settings) -> None:
    good.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    found = []
    for secret in ("nobody:random-and-unknown-to-all", "user:short", "user:a-long-password"):
        good.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "x", "WEBHOOK_SECRET": secret}
        found.append(mail.check_webhook(setup_of()))

    assert [one.verdict for one in found] == ["wrong", "wrong", "ok"]


MAIL = (
    b"From: Broadsheet <digest@news.example.org>\r\nTo: reader@dest.example\r\nSubject: Papers\r\n"
    b"Date: Fri, 27 Nov 2026 08:00:00 +0000\r\nMessage-ID: <d.1@news.example.org>\r\n"
    b"List-ID: <daily.news.example.org>\r\nList-Unsubscribe: <https://news.example.org/u/x>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>"
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"", b"", ""),
        (b"To: ", b"Date: Fri, 27 Nov 2026 08:00:00 +0000\r\nTo: ", "the header Date 2 times"),
        (b"List-ID: <daily.news.example.org>\r\n", b"", "the header List-ID 0 times"),
        (b"<digest@", b"<a@example.org>, <digest@", "From has not exactly one address"),
        (b"<https://news.example.org/u/x>", b"<mailto:u@example.org>", "exactly one https"),
        (b"=One-Click", b"=Maybe", "List-Unsubscribe-Post is not"),
        (b"<https://news", b"=?utf-8?q?=3Chttps://news?= <https://news", "is encoded"),
        (b"<d.1@news.example.org>", b"d.1", "Message-ID is not of the form"),
        (b"Fri, 27 Nov 2026 08:00:00 +0000", b"yesterday", "Date cannot be read"),
        (b"<p>Hi", b"<p>" + b"x" * 1000, "longer than 998"),
        (b"<p>Hi</p>", b"<p>Hello</p>\r\n" * 6000, "84 KB, more than the 80"),
        (b"<p>Hi</p>", b"<p>Hello</p>\r\n" * 8000, "Gmail cuts"),
    ],
)
def test_a_mail(old: bytes, new: bytes, words: str, good: Settings) -> None:
    setup = setup_of(Arrived(MAIL.replace(old, new, 1)))

    found = wrong_of(list(mail.check(setup)))

    assert len(found) == bool(words)
    assert all(words in one for _, one in found)
