"""``manage.py check_delivery``: would our mail arrive?"""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from digest.desk.doctor import arrived
from digest.desk.doctor.examining import by_verdict, examine
from digest.desk.doctor.findings import Finding, Verdict
from digest.desk.doctor.resolver import Resolver

# Longer ones are not read: the largest mail that we would look at is far smaller.
_MOST_BYTES = 20_000_000


def _server(text: str) -> tuple[str, int]:
    """An IP address, with or without a port: 192.0.2.1, 192.0.2.1:53, [2001:db8::1]:53."""
    host, colon, port = text.rpartition(":")
    if not colon or (text.count(":") > 1 and "]" not in host):
        host, port = text, "53"
    try:
        return str(ip_address(host.strip("[]"))), int(port)
    except ValueError as error:
        raise ArgumentTypeError("name the IP address of a DNS server") from error


class Command(BaseCommand):
    help = (
        "Check what mailbox providers will look at: SPF, DKIM, DMARC, names, TLS, one-click "
        "unsubscribing and a digest's headers. Sends nothing. Exits with 1 if anything is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--mail", type=Path, metavar="FILE", help="A digest as it arrived in a mailbox (.eml)."
        )
        parser.add_argument(
            "--dns", type=_server, default=("", 53), metavar="IP[:PORT]", help="The DNS server."
        )
        parser.add_argument("--json", action="store_true", help="Print JSON.")
        parser.add_argument(
            "--language", choices=dict(settings.LANGUAGES), default=settings.LANGUAGE_CODE
        )

    def handle(self, *args: Any, **options: Any) -> None:
        server, port = options["dns"]
        mail = self._mail(options["mail"]) if options["mail"] else None
        with override(options["language"]):
            findings = examine(Resolver(server, port), mail)
            if options["json"]:
                self.stdout.write(json.dumps([asdict(one) for one in findings], indent=2))
            else:
                self._print(findings)
        if any(one.verdict is Verdict.WRONG for one in findings):
            sys.exit(1)

    def _mail(self, path: Path) -> arrived.Arrived:
        try:
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise CommandError(f"The mail cannot be read: {error.strerror}") from error
        if len(content) > _MOST_BYTES:
            raise CommandError("That is no mail: the file is too large.")
        return arrived.read(content)

    def _print(self, findings: Sequence[Finding]) -> None:
        found = by_verdict(findings)
        for _verdict, title, chosen in found["groups"]:
            self.stdout.write(self._styled(chosen[0].verdict, title))
            for one in chosen:
                self.stdout.write(f"  {one.check}: {one.found}")
                if one.change:
                    self.stdout.write(f"      → {one.change}")
        self._print_rules(found["rules"])
        number = sum(one.verdict is Verdict.WRONG and not one.since for one in findings)
        words = ngettext("%(number)d thing is wrong.", "%(number)d things are wrong.", number)
        self.stdout.write(words % {"number": number})

    def _print_rules(self, rules: Sequence[tuple[Finding, str]]) -> None:
        self.stdout.write(_("The mailbox providers’ rules, and since when they hold"))
        for one, verdict in rules:
            shown = self._styled(one.verdict, verdict)
            self.stdout.write(f"  {one.since}  {one.found}: {shown}. {one.change}".rstrip())
        for source in dict.fromkeys(one.source for one, _verdict in rules):
            self.stdout.write(f"  {source}")

    def _styled(self, verdict: Verdict, words: str) -> str:
        styles = {Verdict.WRONG: self.style.ERROR, Verdict.UNKNOWN: self.style.WARNING}
        return str(styles.get(verdict, self.style.SUCCESS)(words))
