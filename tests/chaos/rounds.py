"""One round: a mail service, settings, and some days in the life of a site."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.test import override_settings

from tests.workers import LIVELY

from . import hosts
from .course import Course, Site
from .mail.http_service import HttpService
from .processes import SmtpServer
from .verdict import Verdict

# The mail services of the rounds, in turn: SMTP with options of `sink`, or one with an HTTP API.
# With HOSTS, the workers that send are on two hosts of their own, which are cut off now and then.
HOSTS = "hosts"
SERVICES = ("smtp", "postmark", "smtp plain", "resend", "smtp 20", "brevo", f"smtp {HOSTS}")
# In every second round the product has its own settings, and these in the others.
TICK = {"TICK_SECONDS": "1", "SOURCES": "", "LOG_LEVEL": "WARNING"}
SMALL = {**LIVELY, "SENDERS": "4", "DELIVERY_BATCH": "100", "DELIVERY_CHUNK": "10"}
# Sending to everybody takes at least this long, so that faults happen in the middle of it.
SENDING_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one round. `released` are the holds that the operator had to end."""

    number: int
    service: str
    seconds: float
    days: int
    faults: Sequence[tuple[str, int]]
    acts: int
    released: int
    verdict: Verdict
    fallen: Sequence[str]


def play(site: Site, number: int) -> Report:
    """Play one round and judge it.

    The same seed and number give the same faults after the same numbers of mails. What the
    processes are doing at that moment depends on the machine.
    """
    begun = time.monotonic()
    chance = Random(f"{site.seed}/{number}")
    service = SERVICES[number % len(SERVICES)]
    folder = site.folder / f"round-{number}"
    folder.mkdir()
    environment, chosen = _settings(number)
    with ExitStack() as stack:
        stack.enter_context(override_settings(**chosen))
        mail = _mail(service, folder, site, number)
        stack.enter_context(mail)
        environment |= mail.environment
        apart = None
        if HOSTS in service and not hosts.problem():
            apart = stack.enter_context(hosts.Hosts(folder, environment))
        elif HOSTS in service:
            service = f"smtp: {hosts.problem()}"
        course = Course(site, folder, mail, chance, environment, apart)
        course.run()
        verdict = course.judge()
    scene = course.scene
    return Report(
        number,
        f"{service}{'' if number % 2 else ', small'}",
        time.monotonic() - begun,
        site.days,
        sorted(scene.done.items()),
        scene.readers.done.total(),
        course.released,
        verdict,
        course.scene.fleet.fallen,
    )


def _settings(number: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The environment of the round's processes, and the same for this one."""
    if number % 2:
        return {**os.environ, **TICK}, {}
    chosen = {
        "DELIVERY_CHUNK": int(SMALL["DELIVERY_CHUNK"]),
        "DELIVERY_LEASE": timedelta(seconds=int(SMALL["DELIVERY_LEASE_SECONDS"])),
        "SENDERS": int(SMALL["SENDERS"]),
    }
    return {**os.environ, **SMALL, **TICK}, chosen


def _mail(service: str, folder: Path, site: Site, number: int) -> SmtpServer | HttpService:
    rate = site.readers / SENDING_SECONDS
    path, seed = folder / "ledger", site.seed + number
    kind, *options = service.split()
    if kind == "smtp":
        return SmtpServer(path, rate=rate, seed=seed, options=options)
    return HttpService(kind, path, rate=rate, chance=Random(seed))
