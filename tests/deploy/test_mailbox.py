"""The demo's mailbox: its files, its pages, and what the pages may not do."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from smtplib import SMTP

import pytest
from django.test import Client
from django.urls import include, path

from deploy.demo import mailbox

urlpatterns = [path("", include("deploy.demo.urls"))]
pytestmark = pytest.mark.urls(__name__)


def message(subject: str = "Grüße", message_id: str = "<c.1@example.org>") -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = subject
    made["Message-ID"] = message_id
    made.set_content("Plain words, and https://example.org/c/token")
    made.add_alternative(
        '<html><head></head><body><a href="/x">Link</a></body></html>', subtype="html"
    )
    return made


def put(folder: Path, made: EmailMessage) -> str:
    return mailbox.store(folder, "digest@example.org", ["ada@example.org"], bytes(made))


@pytest.fixture
def mails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the pages show."""
    monkeypatch.setenv("DEMO_FOLDER", str(tmp_path))
    (tmp_path / "mailbox").mkdir()
    return tmp_path / "mailbox"


# --- files ---------------------------------------------------------------------------------
def test_stored_mail_is_read_with_its_envelope_and_both_parts(mails: Path) -> None:
    mail = mailbox.read(mails, put(mails, message()))

    assert (mail.to, mail.subject) == ("ada@example.org", "Grüße")
    assert mail.text == "Plain words, and https://example.org/c/token\n"
    assert mail.html.startswith("<html>")
    assert mail.headers[0] == ("X-Envelope-From", "digest@example.org")


def test_mails_are_listed_newest_first_and_other_files_are_not(mails: Path) -> None:
    first, second = put(mails, message()), put(mails, message())
    (mails / f"{first}.unfinished").write_bytes(b"")
    (mails / "notes.eml").write_bytes(b"")

    assert mailbox.ids(mails) == [second, first]
    assert [mail.id for mail in mailbox.since(mails, first)] == [second]


def test_missing_folder_has_no_mails(tmp_path: Path) -> None:
    assert mailbox.ids(tmp_path / "missing") == []


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "0" * 20 + "-0123abcd"])
def test_only_mails_of_this_folder_are_read(mails: Path, name: str) -> None:
    (mails.parent / "secret.eml").write_bytes(bytes(message()))
    assert mailbox.read(mails, put(mails, message())).subject == "Grüße"

    with pytest.raises(mailbox.NoSuchMail):
        mailbox.read(mails, name)


def test_digest_that_arrived_twice_is_counted_as_repeated(mails: Path) -> None:
    digest = message(message_id="<d.1@example.org>")
    digest["List-Unsubscribe"] = "<https://example.org/u/token>"
    for each in (message(), digest, digest):
        put(mails, each)

    assert mailbox.count(mails) == mailbox.MailCounts(letters=1, digests=1, repeated=1)


# --- the server ----------------------------------------------------------------------------
@pytest.fixture
def port(mails: Path) -> Iterator[int]:
    """The port of a mail server that stores its mails in `mails`."""
    file = mails.parent / "smtp.port"
    command = [sys.executable, "-m", "deploy.demo.smtp", str(mails.parent)]
    with subprocess.Popen(command) as process:
        while not file.exists():
            assert process.poll() is None
            time.sleep(0.02)
        yield int(file.read_text())
        process.terminate()
    assert process.returncode == 0


def test_server_stores_each_mail_with_its_envelope(port: int, mails: Path) -> None:
    with SMTP("127.0.0.1", port) as client:
        client.sendmail("digest@example.org", ["ada@example.org"], bytes(message("One")))
        client.sendmail("digest@example.org", ["ines@example.org"], bytes(message("Two")))

    came = [(mail.to, mail.subject) for mail in mailbox.since(mails, "")]
    assert came == [("ines@example.org", "Two"), ("ada@example.org", "One")]


def test_server_listens_on_one_local_address_only(port: int) -> None:
    socket.create_connection(("127.0.0.1", port)).close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port))


# --- the pages -----------------------------------------------------------------------------
def test_mailbox_without_mails_says_how_to_get_one(client: Client, mails: Path) -> None:
    response = client.get("/mailbox/")

    assert response.context["mails"] == []
    assert "No mail yet" in response.content.decode()


def test_page_shows_the_requested_mail(client: Client, mails: Path) -> None:
    mail_id = put(mails, message("<b>Bold</b>"))
    put(mails, message("Another"))

    response = client.get("/mailbox/", {"mail": mail_id})

    assert [line["is_current"] for line in response.context["mails"]] == [False, True]
    assert response.context["mail"]["subject"] == "<b>Bold</b>"
    assert "<b>Bold</b>" not in response.content.decode()
    assert response.context["mail"]["html_url"] == f"/mailbox/{mail_id}/html"


def test_list_has_pages_and_opens_at_the_requested_mail(client: Client, mails: Path) -> None:
    ids = [put(mails, message()) for _ in range(51)]

    newest, oldest = client.get("/mailbox/"), client.get("/mailbox/", {"mail": ids[0]})

    assert len(newest.context["mails"]) == 50
    assert [line["id"] for line in oldest.context["mails"]] == [ids[0]]


def test_only_the_mailbox_may_frame_a_mail_and_it_may_load_nothing(
    client: Client, mails: Path
) -> None:
    page = client.get("/mailbox/")
    framed = client.get(f"/mailbox/{put(mails, message())}/html")

    assert "frame-src 'self'" in page["Content-Security-Policy"].split("; ")
    assert page["X-Frame-Options"] == "DENY"
    assert framed["X-Frame-Options"] == "SAMEORIGIN"
    assert sorted(framed["Content-Security-Policy"].split("; ")) == [
        "default-src 'none'",
        "frame-ancestors 'self'",
        "style-src 'unsafe-inline'",
    ]


def test_links_of_a_mail_open_in_a_new_tab(client: Client, mails: Path) -> None:
    response = client.get(f"/mailbox/{put(mails, message())}/html")

    assert response.content.decode().startswith('<html><head><base target="_blank"></head>')


@pytest.mark.parametrize(
    "url",
    [
        "/mailbox/?mail=../secret",
        "/mailbox/?mail=%2e%2e%2fsecret",
        "/mailbox/../secret/html",
        "/mailbox/%2e%2e%2fsecret/html",
        f"/mailbox/{'0' * 20}-0123abcd/html",
    ],
)
def test_address_that_names_no_mail_is_not_found(client: Client, mails: Path, url: str) -> None:
    (mails.parent / "secret.eml").write_bytes(bytes(message()))
    assert client.get("/mailbox/").status_code == 200

    assert client.get(url).status_code == 404
