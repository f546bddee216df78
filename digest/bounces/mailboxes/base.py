"""What a mailbox can do."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Protocol, Self
from urllib.parse import SplitResult, unquote

# The folder for mails that nobody could read.
ASIDE = "Broadsheet"
# How long a server may take for an answer, in seconds.
TIMEOUT = 15


class CannotRead(Exception):
    """The mailbox cannot be opened or read now. The words hold no password."""


class Mailbox(AbstractContextManager["Mailbox"], Protocol):
    """Mails, by names that hold while it is open. Whatever fails raises `CannotRead`."""

    def names(self) -> Iterator[str]:
        """The mails, the oldest first, each once; those that arrive meanwhile may be missing."""

    def read(self, name: str) -> bytes | None:
        """The mail, or its beginning if it is long; None if this one cannot be read."""

    def remove(self, name: str) -> None:
        """Remove the mail for good."""

    def put_aside(self, name: str, content: bytes) -> None:
        """Put the mail where nobody takes it for a new one, and an operator finds it."""


class Account(ABC):
    """An account on a server, opened by `with`. All that its protocol raises becomes `CannotRead`,
    and no connection is left open."""

    protocol: ClassVar[str]
    failures: ClassVar[tuple[type[Exception], ...]]

    def __init__(self, parts: SplitResult) -> None:
        self._parts = parts
        self._server: Any = None

    def __enter__(self) -> Self:
        try:
            with self._saying():
                self._open()
        except CannotRead:
            self._hang_up()
            raise
        return self

    @contextmanager
    def _saying(self) -> Iterator[None]:
        try:
            yield
        except self.failures as error:
            words = f"The {self.protocol} server fails: {type(error).__name__}"
            raise CannotRead(words) from None

    @abstractmethod
    def _open(self) -> None:
        """Connect and log in."""

    @abstractmethod
    def _hang_up(self) -> None:
        """Close the connection, if there is one. Raises nothing."""


def login(parts: SplitResult) -> tuple[str, str]:
    return unquote(parts.username or ""), unquote(parts.password or "")


def tls(parts: SplitResult) -> Any:
    """What checks the server's certificate, for connections that are encrypted at all."""
    return ssl.create_default_context() if "+" in parts.scheme else None
