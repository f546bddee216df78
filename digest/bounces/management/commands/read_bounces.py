"""``manage.py read_bounces``: read the bounces that came as mail."""

import os
import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from digest.bounces import reading
from digest.bounces.mailboxes import CannotRead, aside
from digest.bounces.mime import MOST_BYTES
from digest.bounces.taking import Fate, take
from digest.models import Heartbeat

_SECONDS = 3600


class Command(BaseCommand):
    help = (
        "Read bounces and complaints that came as mail: from MAIL_BOUNCES_MAILBOX, from a Maildir, "
        "or one mail from a pipe. Removes what it has understood, and puts the rest aside."
    )
    # One process is started for each mail of a pipe.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--maildir", type=Path, metavar="FOLDER", help="Read this Maildir.")
        which.add_argument(
            "--stdin",
            action="store_true",
            help="Read one mail, for Postfix. Exits with 75 if it should be tried again.",
        )
        parser.add_argument(
            "--recipient", default="", help="The address for which the mail of --stdin arrived."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["stdin"]:
            sys.exit(_take_one(options["recipient"]))
        folder = options["maildir"]
        url = f"maildir://{folder.resolve()}" if folder else settings.MAIL_BOUNCES_MAILBOX
        if not url:
            raise CommandError("Set MAIL_BOUNCES_MAILBOX, or name a Maildir with --maildir.")
        done: Counter[Fate] = Counter()
        try:
            while found := reading.read(url, seconds=_SECONDS):
                done += found
        except CannotRead as error:
            raise CommandError(str(error)) from error
        for fate in Fate:
            if done[fate]:
                self.stdout.write(f"{done[fate]} {fate}")


def _take_one(recipient: str) -> int:
    """Take the mail on standard input. Returns what a mail server is told (sysexits.h)."""
    content = sys.stdin.buffer.read(MOST_BYTES)
    while sys.stdin.buffer.read(MOST_BYTES):
        pass  # a mail server takes it for a failure if its pipe is closed too soon
    try:
        # Postfix's local delivery says in the environment for whom it was.
        fate = take(content, recipient or os.environ.get("ORIGINAL_RECIPIENT", ""))
        if fate is Fate.ASIDE:
            aside.keep(content)
        Heartbeat.beat(Heartbeat.BOUNCES)
    except aside.NoPlace:
        sys.stderr.write("The mail is no bounce that we can read. Set STATE_FOLDER to keep such.\n")
        return os.EX_DATAERR
    except Exception as error:  # whatever it is, the mail server keeps the mail and tries again
        sys.stderr.write(f"The bounce cannot be taken now: {type(error).__name__}\n")
        return os.EX_TEMPFAIL
    reading.log(Counter([fate]))
    return os.EX_OK
