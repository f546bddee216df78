"""An account on an IMAP server (RFC 3501). Mails put aside go to a folder beside the others."""

import imaplib
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, unquote

from digest.bounces.mime import MOST_BYTES

from . import base
from .base import ASIDE, TIMEOUT, CannotRead, login, tls

_FAILURES = (imaplib.IMAP4.error, OSError)
_UID = re.compile(rb"\bUID (\d+)")
# How many mails are listed at once.
_AT_ONCE = 500


class Account(base.Account):
    protocol, failures = "IMAP", _FAILURES

    def __init__(self, parts: SplitResult) -> None:
        super().__init__(parts)
        self._folder = unquote(parts.path.strip("/")) or "INBOX"

    def _open(self) -> None:
        host, port, context = self._parts.hostname or "", self._parts.port, tls(self._parts)
        if self._parts.scheme.endswith("+ssl"):
            self._server = imaplib.IMAP4_SSL(
                host, port or 993, ssl_context=context, timeout=TIMEOUT
            )
        else:
            self._server = imaplib.IMAP4(host, port or 143, timeout=TIMEOUT)
        if self._parts.scheme.endswith("+tls"):
            self._server.starttls(context)
        self._server.login(*login(self._parts))
        selected = self._server.select(f'"{self._folder}"')
        self._number = int(self._ask("SELECT", selected)[0])

    def __exit__(self, *error: object) -> None:
        with suppress(*_FAILURES):
            self._server.close()  # which removes what was marked
        with suppress(*_FAILURES):
            self._server.logout()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._server is not None:
            with suppress(*_FAILURES):
                self._server.shutdown()

    def names(self) -> Iterator[str]:
        if not self._number:
            return
        last = min(self._number, _AT_ONCE)
        with self._saying():
            listed = self._ask("FETCH", self._server.fetch(f"1:{last}", "(UID)"))
        for line in listed:
            if isinstance(line, bytes) and (found := _UID.search(line)):
                yield found[1].decode()

    def read(self, name: str) -> bytes | None:
        with self._saying():
            _, answer = self._server.uid("FETCH", name, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
        found = [one[1] for one in answer or () if isinstance(one, tuple)]
        return bytes(found[0]) if found else None

    def remove(self, name: str) -> None:
        with self._saying():
            self._ask("STORE", self._server.uid("STORE", name, "+FLAGS.SILENT", r"(\Deleted)"))

    def put_aside(self, name: str, content: bytes) -> None:
        # Some servers have all folders below INBOX.
        for folder in (ASIDE, f"INBOX.{ASIDE}"):
            with self._saying():
                if self._copies(name, folder):
                    self.remove(name)
                    return
        raise CannotRead("The IMAP server has no place for a folder.")

    def _copies(self, name: str, folder: str) -> bool:
        kind, _ = self._server.uid("COPY", name, f'"{folder}"')
        if kind != "OK":
            self._server.create(f'"{folder}"')
            kind, _ = self._server.uid("COPY", name, f'"{folder}"')
        return bool(kind == "OK")

    @staticmethod
    def _ask(what: str, answer: tuple[str, Any]) -> list[Any]:
        kind, found = answer
        if kind != "OK":
            raise CannotRead(f"The IMAP server refuses {what}.")
        return [one for one in found or [] if one]
