"""``manage.py invite_owner``: a link with which the first owner makes their account."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from digest.desk.access import invitations

WORDS = """\
Make the owner's account here. The link works once, until this time tomorrow:

  {url}
"""


class Command(BaseCommand):
    help = (
        "Print a link with which an owner's account can be made, once and within a day. "
        "A new link replaces the one before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-needed",
            action="store_true",
            help="print nothing if there is an owner already, or a link that still works",
        )

        parser.add_argument(
            "--in-words", action="store_true", help="print no link, only how to get one"
        )

    def handle(self, *_: Any, if_needed: bool, in_words: bool, **__: Any) -> None:
        if if_needed and not invitations.is_needed():
            return
        if in_words:
            self.stdout.write("Nobody owns this site yet. Run manage.py invite_owner.")
        else:
            self.stdout.write(WORDS.format(url=invitations.invite()))
