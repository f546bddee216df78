"""``python -m deploy.demo.smtp FOLDER``: a mail server that keeps what it is given.

It listens on a free port of 127.0.0.1, which it writes to FOLDER/smtp.port, and puts each
mail into FOLDER/mailbox. It passes nothing on. It ends with SIGTERM.
"""

import asyncio
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.demo import mailbox


class Keeper:
    """aiosmtpd's handler: a mail is accepted when its file is there."""

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
            return f"452 4.3.1 Cannot be kept: {error.strerror}"
        return "250 Kept"


async def serve(folder: Path) -> None:
    """Accept mail until SIGTERM or SIGINT."""
    (folder / "mailbox").mkdir(mode=0o700, exist_ok=True)
    handler = Keeper(folder / "mailbox")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    _tell_port(folder / "smtp.port", server.sockets[0].getsockname()[1])
    await stopped.wait()
    server.close()


def _tell_port(file: Path, port: int) -> None:
    """Whoever finds the file finds the whole number in it."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(str(port))
    unfinished.rename(file)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
