"""``manage.py reset_second_factor NAME``: the way back in for who has lost everything."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from digest.desk import audit
from digest.desk.access import factors


class Command(BaseCommand):
    help = (
        "Take all second factors and recovery codes of an operator away and log them out "
        "everywhere. They can then log in by password alone (manage.py changepassword NAME)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="The operator's user name.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError("No operator has this name.")
        with transaction.atomic():
            number = factors.reset(user)
            audit.record(audit.COMMAND, "factor.reset", on=user, number=number)
        self.stdout.write(f"{user} has no second factor now; {number} were taken away.")
