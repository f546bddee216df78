"""One transaction with a server that takes MAIL, RCPT and DATA in one packet (RFC 2920)."""

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.mail import EmailMessage

from digest.delivery.smtp import EmailBackend

BODY = "A first line\n.a line with a dot\n..two\n.\nthe end"


class Server:
    """Answers from a list, in order, and keeps what it was told. "" hangs up."""

    def __init__(self, answers: list[str]) -> None:
        self.told: list[bytes] = []
        self._answers = [
            "220 ready",
            "250-server.example\r\n250-8BITMIME\r\n250 PIPELINING",
            *answers,
        ]
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
        line, _ = self._listening.accept()
        with line, line.makefile("rb") as lines:
            for number, answer in enumerate(self._answers):
                if number and not self._read(lines):
                    return
                if not answer:
                    return
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
def backend_of(server: Server) -> Iterator[EmailBackend]:
    backend = EmailBackend(host="127.0.0.1", port=server.port, timeout=5)
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
