"""All the checks, one after another."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from . import bounces, dkim, dmarc, hosts, mail, rules, sender
from .arrived import Arrived
from .findings import Finding, Verdict, ok, unknown, verdict_words, wrong
from .resolver import Resolver
from .setup import Setup, setup_of

logger = logging.getLogger(__name__)


def examine(dns: Resolver, arrived: Arrived | None = None) -> list[Finding]:
    """Run every check. One that fails cannot tell, and keeps no other from being run."""
    setup = setup_of(arrived)
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "spf-record": lambda: sender.check(setup, dns),
        "dkim-key": lambda: dkim.check(setup, dns),
        "dmarc-record": lambda: dmarc.check(setup, dns),
        "arrived": lambda: _verdicts(setup),
        "ptr": lambda: hosts.check(setup, dns),
        "one-click": lambda: [mail.check_one_click()],
        "webhook-secret": lambda: [mail.check_webhook(setup)],
        "bounces": lambda: bounces.check(setup),
        "headers": lambda: mail.check(setup),
    }
    found = [one for name, check in checks.items() for one in _found_by(name, check)]
    return [*found, *rules.check(found)]


def by_verdict(findings: Iterable[Finding]) -> dict[str, list[Any]]:
    """The checks in groups, as (verdict, words, findings), what is wrong first; and the rules with
    their verdicts in words."""
    found = list(findings)
    groups = [
        (verdict.name.lower(), verdict_words(verdict), chosen)
        for verdict in (Verdict.WRONG, Verdict.UNKNOWN, Verdict.OK)
        if (chosen := [one for one in found if one.verdict is verdict and not one.since])
    ]
    rules_found = [(one, verdict_words(one.verdict)) for one in found if one.since]
    return {"groups": groups, "rules": rules_found}


def _found_by(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # what others published may be of any kind
        logger.warning("The check %s failed: %s", name, type(error).__name__)
        words = _("The check failed: %(error)s") % {"error": type(error).__name__}
        yield unknown(name, words)


def _verdicts(setup: Setup) -> Iterator[Finding]:
    """What the mailbox provider said of the mail that arrived."""
    if setup.arrived is None:
        return
    for name, verdicts in setup.arrived.results.items():
        about = {"name": name.upper(), "verdict": "/".join(sorted(verdicts))}
        words = _("The mailbox provider says of the mail that arrived: %(name)s %(verdict)s.")
        if "pass" in verdicts:
            yield ok("arrived", words % about)
        elif verdicts & {"temperror"}:
            yield unknown("arrived", words % about)
        else:
            yield wrong("arrived", words % about, _("See what is said of %(name)s here.") % about)
