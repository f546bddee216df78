"""A real SMTP server on this machine that keeps a ledger of what it accepted."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted message: its envelope and its bytes as received."""

    sender: str
    recipients: list[str]
    content: bytes


def accept(_: Envelope) -> str:
    return "250 OK"


class Sink:
    """Accepts mail on a free port of 127.0.0.1 while it is used as a context manager.

    `on_mail`, `on_rcpt` and `on_data` may be replaced by functions with other answers: a line
    such as "550 5.1.1 no such user", or "" to hang up without an answer. A message that `on_data`
    accepts with a 250 is in `messages` before the answer goes out. With `tls` it offers STARTTLS.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.messages: list[Received] = []
        self.on_mail: Callable[[str], str] = lambda address: "250 OK"
        self.on_rcpt: Callable[[str], str] = lambda address: "250 OK"
        self.on_data: Callable[[Envelope], str] = accept
        self._controller = _Controller(
            _Handler(self), hostname="127.0.0.1", port=0, tls_context=tls
        )

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def accept_and_hang_up(self, envelope: Envelope) -> str:
        """The worst case: the message is accepted, but the sender never learns that."""
        self.keep(envelope)
        return ""

    def keep(self, envelope: Envelope) -> None:
        assert isinstance(envelope.original_content, bytes)
        self.messages.append(
            Received(str(envelope.mail_from), list(envelope.rcpt_tos), envelope.original_content)
        )


class _Handler:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._sink.on_mail(address)
        if answer.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or _hang_up(server)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        answer = self._sink.on_rcpt(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer or _hang_up(server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self._sink.on_data(envelope)
        if answer.startswith("250"):
            self._sink.keep(envelope)
        return answer or _hang_up(server)


def _hang_up(server: SMTP) -> str:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()
    return "421 gone"


class _Controller(Controller):
    def _trigger_server(self) -> None:
        # aiosmtpd connects to the port it was given; with port 0 it has to ask for the real one.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd's
