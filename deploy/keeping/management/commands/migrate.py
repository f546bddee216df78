"""Django's `migrate`, which gives up a lock after seconds and comes again (``migrating``)."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate

from deploy.keeping import migrating
from subscribers.database import directly


class Command(migrate.Command):
    lock_seconds = migrating.LOCK_SECONDS

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-seconds",
            type=float,
            default=migrating.LOCK_SECONDS,
            help="how long a statement waits for a lock, and writers behind it",
        )
        parser.add_argument(
            "--lock-attempts",
            type=int,
            default=migrating.ATTEMPTS,
            help="how often it is tried when a lock cannot be had",
        )

    def handle(
        self, *arguments: Any, lock_seconds: float, lock_attempts: int, **options: Any
    ) -> None:
        self.lock_seconds = lock_seconds
        try:
            with directly():
                migrating.migrate_patiently(
                    lambda: super(Command, self).handle(*arguments, **options),
                    self.stdout.write,
                    lock_seconds=lock_seconds,
                    attempts=lock_attempts,
                )
        except migrating.Blocked as blocked:
            raise CommandError(str(blocked)) from blocked

    def migration_progress_callback(
        self, action: str, migration: Any = None, fake: bool = False
    ) -> None:
        """A migration without a transaction makes an index beside all else: nobody waits behind it,
        and giving up would leave half an index."""
        if action in {"apply_start", "unapply_start"}:
            migrating.wait_for_locks(self.lock_seconds if migration.atomic else 0)
        super().migration_progress_callback(action, migration, fake)
