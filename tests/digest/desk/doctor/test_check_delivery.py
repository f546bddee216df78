"""The command, from DNS, SMTP and HTTPS to words and exit codes."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from digest.checks import check_bounces
from digest.desk.doctor.mail import newest
from digest.models import Heartbeat
from tests.dns_server import LONG, DnsServer
from tests.factories import make_edition

from .conftest import DOMAIN, Site

pytestmark = pytest.mark.django_db

HEADERS = (
    f"Return-Path: <b+1@bounces.{DOMAIN}>\r\n"
    "Received-SPF: pass (mx: allowed) client-ip=192.0.2.25;\r\n"
    "Authentication-Results: mx.example.net; dkim=pass header.i=@x; spf=pass; dmarc=pass\r\n"
    f"DKIM-Signature: v=1; a=rsa-sha256; d={DOMAIN}; s=s1; c=relaxed/relaxed;\r\n"
    " h=From:To:Subject:List-Unsubscribe:List-Unsubscribe-Post; bh=YQ==; b=YQ==\r\n"
)


def examined(server: DnsServer, *more: str) -> tuple[list[dict[str, Any]], int]:
    """What the command prints as JSON, and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command(
            "check_delivery", "--json", f"--dns=127.0.0.1:{server.port}", *more, stdout=out
        )
    except SystemExit as end:
        code = int(str(end.code))
    return json.loads(out.getvalue()), code


def test_a_good_set_up_has_nothing_wrong_and_nothing_unknown(
    good: Settings, names: DnsServer, site: Site, arrived_file: Callable[[bytes, str], Path]
) -> None:
    make_edition(12)
    names.put(f"bounces.{DOMAIN}", "TXT", "v=spf1 ip4:192.0.2.25 -all")
    path = arrived_file(newest(), HEADERS)

    found, code = examined(names, f"--mail={path}")

    # Only the provider knows how many readers report spam.
    unclear = {(one["check"], one["found"]) for one in found if one["verdict"] != "ok"}
    assert [c for c, _w in unclear] == ["rule"] * 2, unclear
    assert code == 0
    assert len(site.posted) == 1
    assert len({tuple(one) for one in names.asked}) == len(names.asked)


def test_without_a_mail_what_a_server_signs_cannot_be_told(
    good: Settings, names: DnsServer
) -> None:
    found, code = examined(names)

    unclear = {one["check"] for one in found if one["verdict"] == "cannot tell"}
    assert unclear == {"dkim-signature", "headers", "rule"}
    assert all(one["change"] for one in found if one["verdict"] == "cannot tell")
    assert code == 0


def test_what_is_wrong_is_said_first_with_what_to_change(good: Settings, names: DnsServer) -> None:
    names.put(DOMAIN, "TXT")
    out = io.StringIO()

    with pytest.raises(SystemExit, match="1"):
        call_command("check_delivery", f"--dns=127.0.0.1:{names.port}", stdout=out)

    title, first, change, *others = out.getvalue().splitlines()
    assert title == "Wrong"
    assert first.strip() == f"spf-record: {DOMAIN} has no SPF record."
    assert f"Publish a TXT record at {DOMAIN}" in change
    assert "  2025-05-05  Microsoft: SPF and DKIM: Wrong. See above: spf-record." in others
    assert any(line.startswith("  https://techcommunity.microsoft.com/") for line in others)
    assert others[-1] == "1 thing is wrong."


def test_it_speaks_german(good: Settings, names: DnsServer) -> None:
    names.put(DOMAIN, "TXT")
    out = io.StringIO()

    with pytest.raises(SystemExit, match="1"):
        call_command("check_delivery", f"--dns=127.0.0.1:{names.port}", "--language=de", stdout=out)

    assert f"{DOMAIN} hat keinen SPF-Eintrag." in out.getvalue()


def test_a_hosted_service_leaves_open_what_only_it_knows(good: Settings, names: DnsServer) -> None:
    good.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    good.ANYMAIL = {**good.ANYMAIL, "POSTMARK_SERVER_TOKEN": "a-token-that-is-secret"}
    good.DKIM_SELECTORS, good.MAIL_SENDING_IPS = [], []

    found, code = examined(names)

    verdicts = {one["check"]: one["verdict"] for one in found if one["check"] != "rule"}
    assert {name for name, verdict in verdicts.items() if verdict == "cannot tell"} == {
        "spf-record",
        "dkim-key",
        "dkim-signature",
        "dmarc-alignment",
        "ptr",
        "headers",
    }
    assert code == 0


def test_a_service_that_the_record_includes_is_allowed(good: Settings, names: DnsServer) -> None:
    good.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    good.ANYMAIL = {**good.ANYMAIL, "POSTMARK_SERVER_TOKEN": "a-token-that-is-secret"}
    good.MAIL_SENDING_IPS, good.MAIL_ENVELOPE_DOMAIN = [], f"pm.{DOMAIN}"
    names.put(f"pm.{DOMAIN}", "TXT", "v=spf1 include:spf.mtasv.net ~all")
    names.put("spf.mtasv.net", "TXT", "v=spf1 ip4:198.51.100.0/24 ~all")

    found, _code = examined(names)

    words = [one["found"] for one in found if one["check"] in {"spf-sender", "dmarc-alignment"}]
    assert words == [
        "The SPF record includes Postmark.",
        f"From ({DOMAIN}) is aligned with DKIM + SPF.",
    ]


def test_an_answer_that_is_too_long_for_udp_comes_over_tcp(
    good: Settings, names: DnsServer
) -> None:
    names.faults[f"s1._domainkey.{DOMAIN}"] = LONG

    found, code = examined(names)

    assert code == 0
    assert [t for t, name, _ in names.asked if name.startswith("s1.")] == ["udp", "tcp"]
    assert f"s1._domainkey.{DOMAIN}: rsa with 2048 bits." in [one["found"] for one in found]


def test_what_the_mailbox_provider_refused_is_wrong(
    good: Settings, names: DnsServer, arrived_file: Callable[[bytes, str], Path]
) -> None:
    make_edition(3)
    headers = HEADERS.replace("dmarc=pass", "dmarc=fail").replace(":List-Unsubscribe-Post", "")

    found, code = examined(names, f"--mail={arrived_file(newest(), headers)}")

    words = [one["found"] for one in found if one["verdict"] == "wrong"]
    assert "The mailbox provider says of the mail that arrived: DMARC fail." in words
    assert f"The signature of {DOMAIN} does not cover: list-unsubscribe-post." in words
    assert code == 1


def test_nothing_secret_is_printed(
    good: Settings, names: DnsServer, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    good.EMAIL_HOST_USER, good.EMAIL_HOST_PASSWORD = "user-of-ours", "password-of-ours"
    make_edition(3)
    out = io.StringIO()

    call_command("check_delivery", f"--dns=127.0.0.1:{names.port}", stdout=out)

    ((path, _body),) = site.posted
    token = path.removeprefix("/u/")
    key = names.zone[f"s1._domainkey.{DOMAIN}"]["TXT"][0].partition("p=")[2]
    hidden = (token, key[:40], "password-of-ours", "a-long-password-of-ours", "digest@")
    assert [word for word in hidden if word in out.getvalue() + caplog.text] == []
    assert len(token) >= 16


def test_a_file_that_cannot_be_read_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="The mail cannot be read"):
        call_command("check_delivery", f"--mail={tmp_path / 'none.eml'}")


def test_bounces_that_nobody_reads_are_wrong(good: Settings, names: DnsServer) -> None:
    def wrong() -> list[str]:
        found, code = examined(names)
        wrong = [one for one in found if one["verdict"] == "wrong"]
        assert code == bool(wrong)
        assert {one["check"] for one in wrong} <= {"bounces"}
        return [one["found"] for one in wrong]

    read, good.MAIL_BOUNCES_MAILBOX = good.MAIL_BOUNCES_MAILBOX, "maildir:///nowhere/at/all"
    assert wrong() == [
        "The mailbox with the bounces cannot be opened: /nowhere/at/all is no Maildir."
    ]
    # A pipe is known only once something has come through it.
    good.MAIL_BOUNCES_MAILBOX = ""
    nobody = "Bounces come back as mail to bounces@news.example.org, and nobody reads them."
    assert wrong() == [nobody]
    assert [one.msg for one in check_bounces()] == [nobody]
    Heartbeat.beat(Heartbeat.BOUNCES)
    assert (wrong(), check_bounces()) == ([], [])
    good.MAIL_BOUNCES, good.MAIL_BOUNCES_MAILBOX = f"{'b' * 24}@{DOMAIN}", read
    assert [one.id for one in check_bounces()] == ["broadsheet.E009"]
    assert "is too long" in wrong()[0]
    good.MAIL_BOUNCES = ""
    assert wrong() == [nobody.replace("bounces@news.example.org", good.DEFAULT_FROM_EMAIL)]
