"""An account on a POP3 server (RFC 1939). A server forgets removals until it is left properly."""

import poplib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult

from digest.bounces.mime import MOST_BYTES

from . import aside, base
from .base import TIMEOUT, login, tls

_FAILURES = (poplib.error_proto, OSError)
# Of a mail that is too long, so many lines are asked for (TOP).
_LINES = 2000


class _Patient:
    """Takes lines that are longer than RFC 5322 allows, as some servers pass them on; the standard
    library gives up at such a mail, and with it at all the others."""

    def _getline(self: Any) -> tuple[bytes, int]:
        line = self.file.readline(MOST_BYTES + 1)
        if not line.endswith(b"\n"):
            raise poplib.error_proto("the connection ended, or a line does not")
        return line.rstrip(b"\r\n"), len(line)


class _POP3(_Patient, poplib.POP3):
    pass


class _POP3OverTLS(_Patient, poplib.POP3_SSL):
    pass


class Account(base.Account):
    protocol, failures = "POP3", _FAILURES

    def __init__(self, parts: SplitResult) -> None:
        super().__init__(parts)
        self._sizes: dict[str, int] = {}

    def _open(self) -> None:
        host, port, context = self._parts.hostname or "", self._parts.port, tls(self._parts)
        if self._parts.scheme.endswith("+ssl"):
            self._server = _POP3OverTLS(host, port or 995, timeout=TIMEOUT, context=context)
        else:
            self._server = _POP3(host, port or 110, timeout=TIMEOUT)
        if self._parts.scheme.endswith("+tls"):
            self._server.stls(context)
        user, password = login(self._parts)
        self._server.user(user)
        self._server.pass_(password)

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        # Whatever was removed was committed before; only this makes the server forget it.
        with suppress(*_FAILURES):
            self._server.quit()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._server is not None:
            with suppress(*_FAILURES):
                self._server.close()

    def names(self) -> Iterator[str]:
        with self._saying():
            listed = [line.split()[:2] for line in self._server.list()[1]]
        self._sizes = {number.decode(): int(size) for number, size in listed}
        yield from self._sizes

    def read(self, name: str) -> bytes | None:
        with self._saying():
            try:
                if self._sizes[name] <= MOST_BYTES:
                    lines = self._server.retr(int(name))[1]
                else:
                    lines = self._server.top(int(name), _LINES)[1]
            except poplib.error_proto as error:
                if isinstance(error.args[0], bytes):
                    return None  # the server said so, of this mail alone
                raise
        return b"\r\n".join(lines)

    def remove(self, name: str) -> None:
        with self._saying():
            self._server.dele(int(name))

    def put_aside(self, name: str, content: bytes) -> None:
        """Keep it on this host: the protocol knows one folder. Without a place it stays there."""
        with suppress(aside.NoPlace, OSError):
            aside.keep(content)
            self.remove(name)
