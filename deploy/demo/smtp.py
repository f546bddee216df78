"""``python -m deploy.demo.smtp FOLDER``: a mail server that stores all mail and forwards none.

It listens on a free port of 127.0.0.1, writes the port to FOLDER/smtp.port, and stores each
mail in FOLDER/mailbox. SIGTERM ends it.
"""

import asyncio
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.demo import mailbox


class _Store:
    """aiosmtpd's handler. A mail is accepted once its file has been written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        try:
            mailbox.store(
                self._folder,
                str(envelope.mail_from),
                envelope.rcpt_tos,
                envelope.original_content or b"",
            )
        except OSError as error:
            return f"452 4.3.1 Cannot be stored: {error.strerror}"
        return "250 Stored"


async def _serve(folder: Path) -> None:
    """Accept mail until SIGTERM or SIGINT."""
    (folder / "mailbox").mkdir(mode=0o700, exist_ok=True)
    handler = _Store(folder / "mailbox")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    _write_port(folder / "smtp.port", server.sockets[0].getsockname()[1])
    await stopped.wait()
    server.close()


def _write_port(file: Path, port: int) -> None:
    """Write the file so that it appears with the whole number in it."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(str(port))
    unfinished.rename(file)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
