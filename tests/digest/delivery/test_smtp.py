"""One transaction with a server that takes MAIL, RCPT and DATA in one packet (RFC 2920)."""

import smtplib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from digest.delivery.mail_services.smtp import EmailBackend

BODY = "A first line\n.a line with a dot\n..two\n.\nthe end"


class Server:
    """Answers from a list, in order, and keeps what it was told. "" hangs up, and a number is the
    seconds to wait before the next answer."""

    def __init__(self, answers: Sequence[str | float], *, is_pipelining: bool = True) -> None:
        self.told: list[bytes] = []
        offered = "\r\n250 PIPELINING" if is_pipelining else "\r\n250 HELP"
        self._waits: dict[int, float] = {}
        self._answers = ["220 ready", f"250-server.example\r\n250-8BITMIME{offered}"]
        for answer in answers:
            if isinstance(answer, str):
                self._answers.append(answer)
            else:
                self._waits[len(self._answers)] = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @contextmanager
    def running(self) -> Iterator["Server"]:
        self._thread.start()
        yield self
        self._listening.close()
        self._thread.join(5)

    def _serve(self) -> None:
        # Whoever hangs up on us has seen enough.
        with suppress(OSError):
            self._converse()

    def _converse(self) -> None:
        line, _ = self._listening.accept()
        self._listening.close()  # one connection only
        with line, line.makefile("rb") as lines:
            for number, answer in enumerate(self._answers):
                if number and not self._read(lines):
                    return
                if not answer:
                    return
                time.sleep(self._waits.get(number, 0))
                line.sendall(answer.encode() + b"\r\n")

    def _read(self, lines: "Iterator[bytes]") -> bool:
        """One command, or a whole text after a 354."""
        is_text = self.told and self.told[-1] == b"DATA" and self._answers_data()
        command = b""
        for got in lines:
            command += got
            if not is_text or got == b".\r\n":
                break
        self.told.append(command if is_text else command.strip())
        return bool(command)

    def _answers_data(self) -> bool:
        return self._answers[self.told.index(b"DATA") + 1].startswith("354")


@contextmanager
def backend_of(server: Server, *, timeout: float = 5) -> Iterator[EmailBackend]:
    backend = EmailBackend(host="127.0.0.1", port=server.port, timeout=timeout)
    backend.open()
    try:
        yield backend
    finally:
        if backend.connection:
            backend.connection.close()


def send(server: Server) -> None:
    message = EmailMessage("Subject", BODY, "Us <us@x.example>", ["reader@dest.example"])
    with backend_of(server) as backend:
        backend.send_messages([message])


def test_a_message_arrives_as_it_was() -> None:
    with Server(["250 ok", "250 ok", "354 go", "250 taken"]).running() as server:
        send(server)

    assert server.told[1:4] == [
        b"MAIL FROM:<us@x.example>",
        b"RCPT TO:<reader@dest.example>",
        b"DATA",
    ]
    text = server.told[4].removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    assert text.partition(b"\r\n\r\n")[2].decode() == BODY.replace("\n", "\r\n") + "\r\n"


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        (["550 not you", "503 no", "503 no", "250 reset"], smtplib.SMTPSenderRefused),
        (["250 ok", "550 5.1.1 nobody", "503 no", "250 reset"], smtplib.SMTPRecipientsRefused),
        (["250 ok", "250 ok", "451 later", "250 reset"], smtplib.SMTPDataError),
        (["250 ok", "250 ok", "354 go", "554 no", "250 reset"], smtplib.SMTPDataError),
        (["250 ok", "250 ok", "354 go", ""], smtplib.SMTPServerDisconnected),
        (["250 ok", "250 ok", ""], smtplib.SMTPServerDisconnected),
        (
            ["250 ok", "450 busy", "354 go", "554 nobody", "250 reset"],
            smtplib.SMTPRecipientsRefused,
        ),
    ],
)
def test_a_refusal_is_raised_as_smtplib_would(
    answers: list[str], error: type[smtplib.SMTPException]
) -> None:
    with Server(answers).running() as server, pytest.raises(error):
        send(server)


def test_no_text_is_given_to_a_server_that_refused_the_reader() -> None:
    answers = ["250 ok", "450 busy", "354 go", "554 nobody", "250 reset"]
    with (
        Server(answers).running() as server,
        pytest.raises(smtplib.SMTPRecipientsRefused),
    ):
        send(server)

    assert server.told[4] == b".\r\n"


@pytest.mark.parametrize(
    ("answers", "begun"),
    [(["250 ok", "250 ok", ""], False), (["250 ok", "250 ok", "354 go", ""], True)],
)
def test_only_after_the_text_has_begun_is_a_lost_line_in_doubt(
    answers: list[str], begun: bool
) -> None:
    with Server(answers).running() as server, backend_of(server) as backend:
        message = EmailMessage("Subject", BODY, "us@x.example", ["reader@dest.example"])
        with pytest.raises(smtplib.SMTPServerDisconnected):
            backend.send_messages([message])

    assert backend.data_begun is begun


# --- how long to wait ------------------------------------------------------------------------
def send_patiently(server: Server, *, timeout: float, answer_timeout: float | None) -> None:
    message = EmailMessage("Subject", BODY, "us@x.example", ["reader@dest.example"])
    with backend_of(server, timeout=timeout) as backend:
        backend.answer_timeout = answer_timeout
        backend.send_messages([message])


@pytest.mark.parametrize("is_pipelining", [True, False])
def test_the_answer_to_the_text_may_take_longer_than_the_others(is_pipelining: bool) -> None:
    answers: list[str | float] = ["250 ok", "250 ok", "354 go", 1.5, "250 taken"]

    with Server(answers, is_pipelining=is_pipelining).running() as server:
        send_patiently(server, timeout=0.7, answer_timeout=5)

    assert server.told[-1].endswith(b"the end\r\n.\r\n")


@pytest.mark.parametrize("is_pipelining", [True, False])
@pytest.mark.parametrize(
    ("answers", "answer_timeout"),
    [
        ([1.5, "250 ok"], 5.0),
        (["250 ok", "250 ok", "354 go", 1.5, "250 taken"], 0.7),
        (["250 ok", "250 ok", "354 go", 1.5, "250 taken"], None),  # a letter
    ],
)
def test_every_other_answer_and_a_letter_s_has_the_short_time(
    answers: Sequence[str | float], answer_timeout: float | None, is_pipelining: bool
) -> None:
    with (
        Server(answers, is_pipelining=is_pipelining).running() as server,
        pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"),
    ):
        send_patiently(server, timeout=0.7, answer_timeout=answer_timeout)


@pytest.mark.parametrize("is_pipelining", [True, False])
def test_a_line_lost_before_the_text_is_not_in_doubt(is_pipelining: bool) -> None:
    with (
        Server(["250 ok", "250 ok", ""], is_pipelining=is_pipelining).running() as server,
        backend_of(server) as backend,
    ):
        message = EmailMessage("Subject", BODY, "us@x.example", ["reader@dest.example"])
        with pytest.raises(smtplib.SMTPServerDisconnected):
            backend.send_messages([message])

        assert not backend.data_begun


def message_to(*names: str) -> list[EmailMessage]:
    return [
        EmailMessage("Subject", BODY, "us@x.example", [f"{name}@dest.example"]) for name in names
    ]


def test_the_next_reader_is_announced_with_the_end_of_a_message() -> None:
    answers = ["250 ok", "250 ok", "354 go", "250 taken"] * 2
    first, second = message_to("first", "second")
    with Server(answers).running() as server, backend_of(server) as backend:
        backend.following = second
        backend.send_messages([first])
        told = list(server.told)
        backend.following = None
        backend.send_messages([second])

    # The server had the second envelope before anybody asked for the second message.
    assert told[4].endswith(b"\r\n.\r\n")
    assert server.told[5:8] == [
        b"MAIL FROM:<us@x.example>",
        b"RCPT TO:<second@dest.example>",
        b"DATA",
    ]
    assert len([text for text in server.told if text.endswith(b"\r\n.\r\n")]) == 2


def test_a_refused_message_does_not_end_the_one_that_was_announced() -> None:
    answers = ["250 ok", "250 ok", "354 go", "554 no", "250 ok", "250 ok", "354 go", "250 taken"]
    first, second = message_to("first", "second")
    with Server(answers).running() as server, backend_of(server) as backend:
        backend.following = second
        with pytest.raises(smtplib.SMTPDataError):
            backend.send_messages([first])
        backend.following = None
        assert backend.send_messages([second]) == 1

    assert b"RSET" not in [command.upper() for command in server.told]


def test_whoever_was_announced_in_vain_gets_nobody_else_s_message() -> None:
    answers = ["250 ok", "250 ok", "354 go", "250 taken", "250 ok", "250 ok", "354 go"]
    first, second, other = message_to("first", "second", "other")
    with Server(answers).running() as server, backend_of(server) as backend:
        backend.following = second
        backend.send_messages([first])
        # The server takes one connection only, so a new one is refused; on the old one it
        # would have taken this message for the second reader's.
        with pytest.raises(OSError, match="refused"):
            backend.send_messages([other])

    assert [text for text in server.told if b"other" in text] == []


# --- what goes over the line ------------------------------------------------------------------
@pytest.mark.parametrize("is_pipelining", [True, False])
def test_the_server_is_greeted_with_the_site_s_host(
    settings: Settings, is_pipelining: bool
) -> None:
    settings.MAIL_EHLO = "mail.news.example.org"
    answers = ["250 ok", "250 ok", "354 go", "250 taken"]
    with Server(answers, is_pipelining=is_pipelining).running() as server:
        send(server)

    assert server.told[0] == b"ehlo mail.news.example.org"


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("192.0.2.1", b"[192.0.2.1]"),
        ("2001:db8::1", b"[IPv6:2001:db8::1]"),
        ("localhost", b"localhost"),
        ("1.example", b"1.example"),
    ],
)
def test_an_ip_address_is_no_name_and_greets_as_a_literal(
    settings: Settings, name: str, greeting: bytes
) -> None:
    settings.MAIL_EHLO = name
    with Server(["250 ok", "250 ok", "354 go", "250 taken"]).running() as server:
        send(server)

    assert server.told[0] == b"ehlo " + greeting


@pytest.mark.parametrize("is_pipelining", [True, False])
@pytest.mark.parametrize("is_8bit", [True, False])
def test_a_text_that_is_not_ascii_goes_as_the_server_can_take_it(
    is_pipelining: bool, is_8bit: bool
) -> None:
    message = EmailMessage("Grüße", "Zürich\n.café\n", "us@x.example", ["reader@dest.example"])
    answers = ["250 ok", "250 ok", "354 go", "250 taken"]
    server = Server(answers, is_pipelining=is_pipelining)
    if not is_8bit:
        server._answers[1] = server._answers[1].replace("8BITMIME", "HELP")
    with server.running(), backend_of(server) as backend:
        backend.send_messages([message])

    text = server.told[4].removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    assert server.told[1].upper().endswith(b" BODY=8BITMIME") == is_8bit
    assert text.isascii() != is_8bit
    arrived = message_from_bytes(text, policy=policy.default)
    content = arrived.get_content().replace("\r\n", "\n")
    assert (arrived["Subject"], content) == ("Grüße", "Zürich\n.café\n")
