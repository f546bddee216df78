"""What is not right yet, in plain words: `manage.py doctor`.

It asks what others already know (Django's checks, the desk's troubles, what mailbox providers will
look at) and adds what nobody asks about: backups, clocks, and whether the mail service lets us in.
Nothing is sent or changed. What one check stumbles over keeps no other from being made.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.db import InterfaceError, OperationalError

from deploy.running import loading
from digest.delivery import routing
from digest.desk.alerts import telling
from digest.desk.doctor.examining import examine
from digest.desk.doctor.findings import Finding, Verdict, ok, unknown, wrong
from digest.desk.doctor.resolver import Resolver
from digest.desk.today import attention, standing
from digest.desk.today.standing import Rows, Standing
from digest.desk.words import ago
from digest.models import Backup, Event
from subscribers.database import fetch

# A nightly backup may take its time.
OLDEST_BACKUP = timedelta(hours=36)
_CLOCKS_MAY_DIFFER = 5.0
# Its events tell of bounces; without them nobody hears of any.
_EVENTS_WITHIN = timedelta(days=7)
Check = Callable[[], Iterator[Finding]]


def look(*, with_network: bool = True) -> Iterator[Finding]:
    """Yield what was found, in the order in which one would set things right."""
    checks: list[tuple[str, Check]] = [
        ("settings", of_settings),
        ("database", of_database),
        ("time zones", of_zones),
        ("service", of_service),
        ("operators", of_operators),
        ("backups", of_backups),
    ]
    if with_network:
        checks += [("mail service", of_mail_services), ("delivery", of_delivery)]
    for name, check in checks:
        yield from _made(name, check)


def _made(name: str, check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except (OperationalError, InterfaceError):
        yield unknown(name, "The database cannot be asked.")
    except Exception as error:  # whatever it is, the other checks are of use
        yield unknown(name, f"The check failed: {type(error).__name__}.")


# --- what Django can tell ------------------------------------------------------------------
def of_settings() -> Iterator[Finding]:
    found = [one for one in run_checks(include_deployment_checks=True) if not one.is_silenced()]
    for one in found:
        yield wrong("settings", *_words_of(one))
    if not found:
        yield ok("settings", "They load, and `manage.py check --deploy` finds nothing.")


def _words_of(message: CheckMessage) -> tuple[str, str]:
    return " ".join(message.msg.split()), message.hint or f"See {message.id} in Django’s manual."


# --- the database, and the clocks ----------------------------------------------------------
def of_database() -> Iterator[Finding]:
    began = time.time()
    ((version, now),) = fetch(
        "SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float8"
    )
    yield ok("database", f"PostgreSQL {version.split()[0]} answers.")
    if loading.lacks_migrations():
        yield wrong("database", "It lacks migrations.", "Run manage.py migrate.")
    # Its answer is from somewhere between our two looks at our own clock.
    behind = max(began - now, now - time.time(), 0.0)
    if behind > _CLOCKS_MAY_DIFFER:
        words = f"This machine’s clock and the database’s differ by {behind:.0f} s."
        yield wrong("clocks", words, "Have both set by NTP (systemd-timesyncd, chrony).")
    else:
        yield ok("clocks", "This machine’s clock and the database’s agree.")


def of_zones() -> Iterator[Finding]:
    """By old rules readers would get their digests at a wrong hour."""
    known, now = available_timezones(), datetime.now(UTC)
    rows = fetch("SELECT name, utc_offset FROM pg_timezone_names")
    differing = sorted(
        name
        for name, offset in rows
        if name in known and now.astimezone(ZoneInfo(name)).utcoffset() != offset
    )
    if differing:
        words = f"PostgreSQL and Python have other rules for {', '.join(differing[:3])}"
        words += f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        yield unknown("time zones", f"{words}: one of them is out of date.", "Update tzdata.")
    else:
        yield ok("time zones", "PostgreSQL and Python have the same rules for all of them.")


# --- what the desk can tell ----------------------------------------------------------------
def of_service() -> Iterator[Finding]:
    found = standing.look_anyway()
    troubles = attention.troubles(found)
    for trouble in troubles:
        if trouble.key == "only_to":  # it is meant
            yield ok("staging", trouble.words)
        else:
            yield wrong(trouble.key.partition(":")[0], trouble.words, trouble.advice)
    wrongs = {trouble.key.partition(":")[0] for trouble in troubles}
    for name, words in _well(found):
        if name not in wrongs:
            yield ok(name, words)


def _well(found: Standing) -> Iterator[tuple[str, str]]:
    """What goes well, by the key of the trouble that it would be."""
    if found.broker.is_up:
        alive = sum(worker.is_alive for worker in found.broker.workers)
        yield "redis", "Redis answers."
        yield "queue", f"Every queue has a worker; {alive} are alive."
    least = min((disk.free for disk in found.disks), default=1.0)
    yield "disk", f"Disks have room: {least * 100:.0f} % free on the fullest."
    if found.rows:
        yield from _well_in(found, found.rows)


def _well_in(found: Standing, rows: Rows) -> Iterator[tuple[str, str]]:
    yield "tick", f"The clock last ticked {ago(rows.clock.ticked_at, found.now)}."
    for source in rows.sources:
        words = f"{source.label} was last read: {ago(source.good_at, found.now)}."
        yield ("source", words) if source.good_at else ("", f"{source.label} was not read yet.")
    if not rows.holds:
        yield "held", "Nothing holds the sending."
    if edition := rows.run.edition:
        yield "edition", f"The newest edition is of {edition.date:%Y-%m-%d}."


def of_operators() -> Iterator[Finding]:
    if ways := telling.ways():
        yield ok("operators", f"They are told of trouble by {', '.join(ways)}.")
    else:
        words = "Nobody is told when something breaks."
        yield wrong("operators", words, "Set OPERATORS_MAIL or ALERTS_WEBHOOK_URL.")
    if settings.STATE_FOLDER is None:
        words = "Until when digests were sent is noted nowhere: a restored backup sends twice."
        yield wrong("state", words, "Set STATE_FOLDER.")


def of_backups() -> Iterator[Finding]:
    advice = "Have `manage.py backup` run every night, and copy the file to another machine."
    newest = Backup.objects.filter(finished_at__isnull=False).order_by("-finished_at").first()
    if newest is None or newest.finished_at is None:
        yield wrong("backups", "There is none.", advice)
        return
    now = datetime.now(UTC)
    words = f"The newest was made {ago(newest.finished_at, now)}."
    is_old = now - newest.finished_at > OLDEST_BACKUP
    yield wrong("backups", words, advice) if is_old else ok("backups", words)


# --- what others would have to tell --------------------------------------------------------
def of_mail_services() -> Iterator[Finding]:
    for name in routing.names():
        backend = routing.connection_to(name)
        try:
            backend.open()
        except Exception as error:  # whatever a backend raises
            words = f"{name} does not let us in: {type(error).__name__}."
            yield wrong("mail service", words, "Look at EMAIL_URL, or the service’s variables.")
            continue
        finally:
            backend.close()
        yield _let_in(name)


def _let_in(name: str) -> Finding:
    if name == routing.SMTP or "://" in str(settings.MAIL_SERVICES.get(name, "")):
        return ok("mail service", f"{name} takes our connection.")
    newest = Event.objects.filter(mail_service=name).order_by("-pk").first()
    if newest and datetime.now(UTC) - newest.received_at < _EVENTS_WITHIN:
        return ok("mail service", f"{name} reports what becomes of our mail.")
    words = f"Whether {name} takes our mail, and its webhooks reach us, shows with the first one."
    return unknown("mail service", words)


def of_delivery() -> Iterator[Finding]:
    """What mailbox providers will look at, which `manage.py check_delivery` explains at length."""
    for one in examine(Resolver()):
        if not one.since:
            yield one


def is_wrong(finding: Finding) -> bool:
    return finding.verdict is Verdict.WRONG
