"""A set-up without a fault: DNS, a mail server with STARTTLS, and the site by HTTPS."""

import mailbox
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_django import Settings

from digest.desk.doctor.findings import Finding, Verdict
from digest.desk.doctor.resolver import Resolver
from tests.certificates import Authority
from tests.dns_server import DnsServer
from tests.smtp_sink import Sink

DOMAIN = "news.example.org"


@cache
def dkim_key(bits: int) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    return b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def good_zone() -> dict[str, dict[str, list[str]]]:
    return {
        DOMAIN: {
            "A": ["192.0.2.25"],
            "MX": ["10 mx.example.org."],
            "TXT": ["v=spf1 ip4:192.0.2.25 include:_spf.example.org -all", "another=text"],
        },
        "_spf.example.org": {"TXT": ["v=spf1 a:mx.example.org ip6:2001:db8::/32 ~all"]},
        "mx.example.org": {"A": ["192.0.2.10"]},
        f"s1._domainkey.{DOMAIN}": {"TXT": [f"v=DKIM1; k=rsa; p={dkim_key(2048)}"]},
        "_dmarc.example.org": {"TXT": ["v=DMARC1; p=none; rua=mailto:dmarc@example.org"]},
        "25.2.0.192.in-addr.arpa": {"PTR": [f"{DOMAIN}."]},
    }


def wrong_of(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    assert all(one.change for one in findings if one.verdict is Verdict.WRONG)
    return [(one.check, one.found) for one in findings if one.verdict is Verdict.WRONG]


@pytest.fixture(scope="session")
def _name_server() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


@pytest.fixture
def names(_name_server: DnsServer) -> DnsServer:
    _name_server.serve(good_zone())
    return _name_server


@pytest.fixture
def resolver(names: DnsServer) -> Resolver:
    return Resolver("127.0.0.1", names.port, seconds=2)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def _trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.path))


@pytest.fixture
def mail_server(authority: Authority, _trusted: None) -> Iterator[Sink]:
    with Sink(tls=authority.context("localhost")) as sink:
        yield sink


class Site(ThreadingHTTPServer):
    """Answers every POST with `status`; `posted` has each path and body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.posted: list[tuple[str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Site)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def site(authority: Authority, _trusted: None) -> Iterator[Site]:
    server = Site()
    context = authority.context("localhost")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def good(
    settings: Settings, mail_server: Sink, site: Site, names: DnsServer, tmp_path: Path
) -> Settings:
    """Settings by which nothing is wrong."""
    settings.DEFAULT_FROM_EMAIL = f"Broadsheet <digest@{DOMAIN}>"
    settings.MAIL_DOMAIN = settings.MAIL_EHLO = DOMAIN
    settings.MAIL_REPLY_TO = settings.MAIL_UNSUBSCRIBE = settings.MAIL_ENVELOPE_DOMAIN = ""
    mailbox.Maildir(tmp_path / "bounces")
    settings.MAIL_BOUNCES = f"bounces@{DOMAIN}"
    settings.MAIL_BOUNCES_MAILBOX = f"maildir://{tmp_path}/bounces"
    settings.DKIM_SELECTORS, settings.MAIL_SENDING_IPS = ["s1"], ["192.0.2.25"]
    settings.SITE_URL = f"https://localhost:{site.server_address[1]}"
    settings.MAIL_SERVICES = {}
    settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", mail_server.port
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = True, False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": "user:a-long-password-of-ours"}
    return settings


@pytest.fixture
def arrived_file(tmp_path: Path) -> Callable[[bytes, str], Path]:
    """Saves a mail as if it had arrived, with these headers on top."""

    def save(content: bytes, headers: str) -> Path:
        path = tmp_path / "arrived.eml"
        path.write_bytes(headers.encode() + content)
        return path

    return save
