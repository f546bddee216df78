"""``manage.py doctor``: is everything right?"""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import override

from deploy.installing import doctor
from digest.desk.doctor.findings import Finding, Verdict


class Command(BaseCommand):
    help = (
        "Say in plain words what is right, what is wrong and what to do about it, and what cannot "
        "be told. Sends and changes nothing. Exits with 1 if something is wrong."
    )
    # It must say what is wrong, not stop at it.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-network",
            action="store_true",
            help="ask neither DNS nor the mail service, only what is here",
        )

    def handle(self, *args: Any, no_network: bool, **options: Any) -> None:
        wrong = 0
        with override("en"):
            for finding in doctor.look(with_network=not no_network):
                self._print(finding)
                wrong += doctor.is_wrong(finding)
        self.stdout.write(f"{wrong} wrong." if wrong else "Nothing is wrong.")
        if wrong:
            sys.exit(1)

    def _print(self, finding: Finding) -> None:
        styles = {Verdict.WRONG: self.style.ERROR, Verdict.UNKNOWN: self.style.WARNING}
        style = styles.get(finding.verdict, self.style.SUCCESS)
        verdict = style(f"{finding.verdict:<11}")
        self.stdout.write(f"{verdict}  {finding.check}: {finding.found}")
        if finding.change:
            self.stdout.write(f"{'':<11}  → {finding.change}")
