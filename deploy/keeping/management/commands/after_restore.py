"""End safe mode: say until when digests had gone out before the restore."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.dateparse import parse_datetime

from digest.delivery import restored
from digest.delivery.limits import memory
from digest.desk import audit
from digest.models import Restoration

# Long enough for a million readers; the tick does what is left.
SECONDS = 3600
KINDS = {
    "left": "had left",
    "erased": "had been erased",
    "suppressed": "were suppressed",
    "paused": "had paused",
}


class Command(BaseCommand):
    help = (
        "Without options: shows what is known of the time after the backup, and applies again what "
        "this host noted of those who have left. With --sent-until: closes what was due by then as "
        "assumed sent (or has the mail service asked), so that nobody gets it twice, and ends safe "
        "mode."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        said = parser.add_mutually_exclusive_group()
        said.add_argument(
            "--sent-until", metavar="TIME", help="such as 2026-11-27T09:30 (UTC), or now"
        )
        said.add_argument(
            "--nothing-sent",
            action="store_true",
            help="nothing had been sent after the backup: what was due since goes out now",
        )

    def handle(self, *_: Any, sent_until: str | None, nothing_sent: bool, **__: Any) -> None:
        memory.hold_if_forgetful()
        found = restored.latest()
        if found is None:
            raise CommandError("The database is not in safe mode.")
        self._show(found)
        if not sent_until and not nothing_sent:
            self._propose(found)
            return
        until = _time(sent_until) if sent_until else found.known_until or found.found_at
        try:
            with transaction.atomic():
                restored.say(until)
                audit.record(audit.COMMAND, "restore.settle", on=found, until=until.isoformat())
        except restored.CannotSettle as error:
            raise CommandError(str(error)) from error
        is_over = restored.go_on(seconds=SECONDS)
        found.refresh_from_db()
        self.stdout.write(
            f"{found.assumed} digests that were due until {_words(until)} count as sent"
            + (f", and the mail service is asked about {found.asked}." if found.asked else ".")
        )
        self.stdout.write(
            "Safe mode has ended: what is due goes out." if is_over else "The clock does the rest."
        )

    def _show(self, found: Restoration) -> None:
        self.stdout.write(f"The database knows all until: {_words(found.known_until)}")
        self.stdout.write(
            f"Digests were sent until at least: {_words(found.sent_until)}"
            if found.sent_until
            else "No host of ours has a mark of what was sent since."
        )
        for kind, words in KINDS.items():
            if number := found.signed_off.get(kind):
                self.stdout.write(f"{number} readers {words} since, which has been applied again.")
        if moved := found.signed_off.get("moved"):
            self.stdout.write(
                f"{moved} readers had moved to another address, which only they can tell again."
            )

    def _propose(self, found: Restoration) -> None:
        until = restored.proposal(found)
        self.stdout.write(
            f"\nNothing is sent until you say what had gone out. Most likely:\n"
            f"  manage.py after_restore --sent-until {until:%Y-%m-%dT%H:%M:%S}\n"
            "Whoever was due by that time gets nothing for it, and then goes on as usual. A later "
            "time can lose some readers a day; an earlier one can send some a digest twice."
        )


def _time(text: str) -> datetime:
    if text == "now":
        return datetime.now(UTC)
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        raise CommandError(f"{text} is no time. Write it as in 2026-11-27T09:30.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _words(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "nobody knows"
