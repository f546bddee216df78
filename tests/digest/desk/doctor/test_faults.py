"""Each fault is found, by name, with what to change."""

from base64 import b64encode

import pytest
from pytest_django import Settings

from digest.desk.doctor import dkim, dmarc, hosts, sender
from digest.desk.doctor.findings import Finding, Verdict
from digest.desk.doctor.resolver import Resolver
from digest.desk.doctor.setup import setup_of
from tests.certificates import Authority
from tests.dns_server import SERVFAIL, SILENT, DnsServer
from tests.smtp_sink import Sink

from .conftest import DOMAIN, dkim_key, wrong_of

KEY = f"s1._domainkey.{DOMAIN}"
REVERSE = "25.2.0.192.in-addr.arpa"


def found_by(module: object, resolver: Resolver) -> list[Finding]:
    return list(module.check(setup_of(), resolver))  # type: ignore[attr-defined]  # a module


# --- SPF -----------------------------------------------------------------------------------
MANY = " ".join(f"include:i{n}.example.org" for n in range(9))
SPF_FAULTS = [
    ([], "spf-record", "has no SPF record"),
    (["v=spf10 -all"], "spf-record", "has no SPF record"),
    (["v=spf1 -all", "v=spf1 ~all"], "spf-record", "several SPF records"),
    (["v=spf1 ipv4:192.0.2.25 -all"], "spf-record", "at “ipv4:192.0.2.25”"),
    (["v=spf1 ip4:192.0.2.999 -all"], "spf-record", "at “ip4:192.0.2.999”"),
    (["v=spf1 include -all"], "spf-record", "at “include”"),
    (["v=spf1 include:gone.example.org -all"], "spf-record", "gone.example.org, which has none"),
    ([f"v=spf1 include:{DOMAIN} -all"], "spf-record", "in a circle"),
    ([f"v=spf1 redirect={DOMAIN}"], "spf-record", "in a circle"),
    (["v=spf1 redirect=gone.example.org"], "spf-record", "gone.example.org, which has none"),
    ([f"v=spf1 ip4:192.0.2.25 {MANY} -all"], "spf-lookups", "needs 18 look-ups; 10 are allowed"),
    (["v=spf1 ip4:192.0.2.25 a:x a:y a:z -all"], "spf-lookups", "find nothing; 2 may"),
    (["v=spf1 +all"], "spf-all", "allows everybody"),
    (["v=spf1 redirect=open.example.org"], "spf-all", "allows everybody"),
    (["v=spf1 ip4:192.0.2.24 -all"], "spf-sender", "does not allow 192.0.2.25 (fail)"),
    (["v=spf1 ip4:192.0.2.24"], "spf-sender", "does not allow 192.0.2.25 (neutral)"),
    (["v=spf1 include:open.example.org -ip4:192.0.2.25 ~all"], "", ""),
    (["v=spf1 a mx -all"], "", ""),
    (["v=spf1 mx/24 -all"], "", ""),
    (["V=SPF1 exists:%{ir}.allowed.example.org -all"], "", ""),
    (["v=spf1 a:%{d1r}.example.%{d2}.example.org ip4:192.0.2.25 -all"], "", ""),
    (["v=spf1 ip4:192.0.2.0/24 unknown=modifier ?all"], "", ""),
]


@pytest.mark.parametrize(("records", "check", "words"), SPF_FAULTS)
def test_spf(
    records: list[str],
    check: str,
    words: str,
    good: Settings,
    names: DnsServer,
    resolver: Resolver,
) -> None:
    names.put(DOMAIN, "TXT", *records)
    names.put("open.example.org", "TXT", "v=spf1 all")
    names.put("25.2.0.192.allowed.example.org", "A", "127.0.0.2")
    for number in range(9):
        names.put(f"i{number}.example.org", "TXT", "v=spf1 include:_spf0.example.org -all")
    names.put("_spf0.example.org", "TXT", "v=spf1 -all")

    found = wrong_of(found_by(sender, resolver))

    assert [name for name, _ in found] == ([check] if check else [])
    assert all(words in one for _, one in found)


# --- DKIM ----------------------------------------------------------------------------------
DKIM_FAULTS = [
    ([], "There is no such DKIM record."),
    (["v=DKIM1; p="], "The key is revoked"),
    ([f"v=DKIM1; t=y; p={dkim_key(2048)}"], "marked as a test (t=y)"),
    ([f"v=DKIM2; p={dkim_key(2048)}"], "The record cannot be read."),
    (["v=DKIM1; k=rsa"], "The record cannot be read."),
    (["v=DKIM1 k=rsa p"], "The record cannot be read."),
    (["v=DKIM1; p=not*base64"], "Its key cannot be read."),
    ([f"v=DKIM1; p={dkim_key(2048)[:200]}"], "Its key cannot be read."),
    (["v=DKIM1; k=ed25519; p=MTIz"], "a kind that nobody knows"),
    ([f"v=DKIM1; h=sha1; p={dkim_key(2048)}"], "allows no SHA-256"),
    ([f"v=DKIM1; s=tlsrpt; p={dkim_key(2048)}"], "not for mail"),
    (["p=" + dkim_key(2048), "v=DKIM1; p=" + dkim_key(2048)], "several DKIM records"),
    ([f"p={dkim_key(1024)}"], ""),
    ([f"v=DKIM1; h=sha1:sha256; s=email; p={dkim_key(2048)};"], ""),
    (["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="], ""),
]


def short_key(bits: int) -> str:
    """A bare RSA key in DER, too weak for the library that makes the others."""
    modulus = b"\0" + (2 ** (bits - 1) + 1).to_bytes(bits // 8, "big")
    numbers = b"\x02" + bytes([len(modulus)]) + modulus + b"\x02\x03\x01\x00\x01"
    return b64encode(b"\x30\x81" + bytes([len(numbers)]) + numbers).decode()


@pytest.mark.parametrize(("records", "words"), DKIM_FAULTS)
def test_dkim(
    records: list[str], words: str, good: Settings, names: DnsServer, resolver: Resolver
) -> None:
    names.put(KEY, "TXT", *records)

    found = wrong_of(found_by(dkim, resolver))

    assert len(found) == bool(words)
    assert all(name == "dkim-key" and words in one for name, one in found)


def test_a_short_key_is_told_by_its_length(
    good: Settings, names: DnsServer, resolver: Resolver
) -> None:
    names.put(KEY, "TXT", f"v=DKIM1; p={short_key(768)}")

    found = wrong_of(found_by(dkim, resolver))

    assert found == [("dkim-key", f"{KEY}: Its key has only 768 bits; at least 1024 count.")]


# --- DMARC ---------------------------------------------------------------------------------
GOOD = "v=DMARC1; p=none; rua=mailto:d@example.org"
ORGANIZATION = "_dmarc.example.org"
DMARC_FAULTS = [
    ({ORGANIZATION: []}, "dmarc-record", "has no DMARC record"),
    ({ORGANIZATION: [GOOD, GOOD + "; t=y"]}, "dmarc-record", "several DMARC records"),
    ({ORGANIZATION: ["v=DMARC1; p=maybe"]}, "dmarc-record", "has no policy"),
    ({ORGANIZATION: ["v=DMARC1"]}, "dmarc-record", "has no policy"),
    ({ORGANIZATION: ["v=DMARC1 p=none"]}, "dmarc-record", "cannot be read"),
    ({ORGANIZATION: ["v=DMARC1; p=none; sp=reject"]}, "", ""),
    ({f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject"]}, "", ""),
    ({"_dmarc.org": ["v=DMARC1; p=none; psd=y"]}, "", ""),
]


@pytest.mark.parametrize(("records", "check", "words"), DMARC_FAULTS)
def test_dmarc(
    records: dict[str, list[str]],
    check: str,
    words: str,
    good: Settings,
    names: DnsServer,
    resolver: Resolver,
) -> None:
    for name, texts in records.items():
        names.put(name, "TXT", *texts)

    found = wrong_of(found_by(dmarc, resolver))

    assert [name for name, _ in found] == ([check] if check else [])
    assert all(words in one for _, one in found)


@pytest.mark.parametrize(
    ("envelope", "selector", "policy", "is_wrong"),
    [
        ("bounces.example.org", "s1@mail.example.net", "", False),
        ("mail.example.net", "s1@example.org", "", False),
        ("mail.example.net", "s1@example.net", "", True),
        ("bounces.example.org", "s1@example.org", "; adkim=s; aspf=s", True),
        (DOMAIN, "s1@example.net", "; adkim=s; aspf=s", False),
        # A suffix under which others register is nobody's organisation.
        ("other.org", "s1@another.org", "", True),
    ],
)
def test_alignment(
    envelope: str,
    selector: str,
    policy: str,
    is_wrong: bool,
    good: Settings,
    names: DnsServer,
    resolver: Resolver,
) -> None:
    good.MAIL_ENVELOPE_DOMAIN, good.DKIM_SELECTORS = envelope, [selector]
    names.put(ORGANIZATION, "TXT", GOOD + policy)
    names.put("_dmarc.org", "TXT", "v=DMARC1; p=none; psd=y")

    found = wrong_of(found_by(dmarc, resolver))

    assert [name for name, _ in found] == (["dmarc-alignment"] if is_wrong else [])


# --- hosts ---------------------------------------------------------------------------------
HOST_FAULTS = [
    ((REVERSE, "PTR", []), {}, "ptr", "has no reverse name"),
    ((REVERSE, "PTR", ["mx.example.org."]), {}, "ptr", "does not lead back"),
    (None, {"MAIL_EHLO": "localhost"}, "ehlo", "not the full name"),
    (None, {"MAIL_EHLO": "192.0.2.25"}, "ehlo", "not the full name"),
    (None, {"MAIL_EHLO": "gone.example.org"}, "ehlo", "leads to no IP address"),
    (None, {"MAIL_EHLO": "mx.example.org"}, "ehlo", "another IP address"),
    (None, {"MAIL_DOMAIN": "gmail.com"}, "from-domain", "the domain is not yours"),
    ((DOMAIN, "MX", ["0 ."]), {}, "mx", "takes no mail"),
    ((DOMAIN, "MX", ["10 gone.example.org."]), {}, "mx", "No mail server"),
    (None, {"MAIL_REPLY_TO": "help@gone.example.org"}, "mx", "gone.example.org takes no mail"),
    (None, {"MAIL_UNSUBSCRIBE": "u@gone.example.org"}, "mx", "gone.example.org takes no mail"),
    (None, {"EMAIL_HOST": "127.0.0.1"}, "tls", "The certificate of 127.0.0.1 is not valid"),
    (None, {"EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True}, "tls", "TLS with localhost fails"),
]


@pytest.mark.parametrize(("record", "changes", "check", "words"), HOST_FAULTS)
def test_hosts(
    record: tuple[str, str, list[str]] | None,
    changes: dict[str, object],
    check: str,
    words: str,
    good: Settings,
    names: DnsServer,
    resolver: Resolver,
) -> None:
    if record:
        names.put(record[0], record[1], *record[2])
    for name, value in changes.items():
        setattr(good, name, value)

    found = wrong_of(found_by(hosts, resolver))

    assert [name for name, _ in found] == [check]
    assert words in found[0][1]


def test_a_mail_server_that_offers_no_tls_is_named(good: Settings, resolver: Resolver) -> None:
    with Sink() as plain:
        good.EMAIL_PORT = plain.port
        found = wrong_of(found_by(hosts, resolver))

        good.EMAIL_USE_TLS = False
        assert wrong_of(found_by(hosts, resolver)) == []  # it is on this machine

    assert found == [("tls", "The mail server localhost offers no TLS, so nothing is sent.")]


def test_a_certificate_that_ends_is_named_before(
    good: Settings, resolver: Resolver, authority: Authority
) -> None:
    with Sink(tls=authority.context("localhost", days=3)) as sink:
        good.EMAIL_PORT = sink.port
        found = wrong_of(found_by(hosts, resolver))

    assert found == [("tls", "The certificate of localhost ends in 2 days.")]


# --- nobody answers ------------------------------------------------------------------------
@pytest.mark.parametrize("fault", [SILENT, SERVFAIL])
def test_without_an_answer_nothing_is_wrong_and_nothing_right(
    fault: str, good: Settings, names: DnsServer
) -> None:
    names.faults = dict.fromkeys([*names.zone, f"_dmarc.{DOMAIN}"], fault)
    resolver = Resolver("127.0.0.1", names.port, seconds=0.2)

    found = [one for module in (sender, dkim, dmarc, hosts) for one in found_by(module, resolver)]

    asked = {"spf-record", "dkim-key", "dmarc-record", "ptr", "ehlo", "mx"}
    verdicts = {(one.check, one.verdict) for one in found if one.check in asked}
    assert verdicts == {(name, Verdict.UNKNOWN) for name in asked}
    # A server that is silent is not waited for at each of the questions.
    assert fault != SILENT or len({name for _, name, _ in names.asked}) <= 3


def test_an_include_that_nobody_answers_for_leaves_the_record_open(
    good: Settings, names: DnsServer, resolver: Resolver
) -> None:
    names.faults["_spf.example.org"] = SERVFAIL

    found = found_by(sender, resolver)

    assert [(one.check, one.verdict) for one in found] == [("spf-record", Verdict.UNKNOWN)]


def test_a_mail_server_that_is_not_there_leaves_tls_open(
    good: Settings, resolver: Resolver
) -> None:
    good.EMAIL_PORT = 9

    (found,) = [one for one in found_by(hosts, resolver) if one.check == "tls"]

    assert (found.verdict, found.found) == (
        Verdict.UNKNOWN,
        "The mail server localhost cannot be asked: ConnectionRefusedError",
    )
