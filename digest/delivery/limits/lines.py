"""The connections that one run has to a mail service, taken together.

Servers refuse single connections, for example the fourth from one client. That says nothing about
the service as long as others are open.
"""

from threading import Condition

# How long to wait for what becomes of others' attempts; each has a timeout of its own.
PATIENCE_SECONDS = 60.0


class Lines:
    """Counts the connections that are open or being opened. Threads may share it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._opening = 0
        self._open = 0

    def begin(self) -> None:
        """A connection is being opened."""
        with self._changed:
            self._opening += 1

    def end(self, *, is_open: bool) -> None:
        """The attempt is over."""
        with self._changed:
            self._opening -= 1
            self._open += is_open
            self._changed.notify_all()

    def close(self) -> None:
        """A connection that was open is not any more."""
        with self._changed:
            self._open -= 1

    def is_any_open(self) -> bool:
        """Whether a connection is open. Waits for those that are being opened, if none is yet."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._open or not self._opening, timeout=PATIENCE_SECONDS
            )
            return self._open > 0
