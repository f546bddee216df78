"""Figures of every stage for Prometheus, read from the database and Redis when they are asked for.

So all processes and hosts give the same answer, and none has to count. The registry is our own:
figures of this one process are nobody's concern.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from digest.desk.today import readers, standing
from digest.desk.today.standing import Rows, Standing
from digest.models import FeedbackCount
from subscribers.database import fetch

CONTENT_TYPE = CONTENT_TYPE_LATEST
Sample = tuple[tuple[str, ...], float]


def exposition() -> bytes:
    """Return all figures in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(Desk())
    return generate_latest(registry)


class Desk(Collector):
    """Looks whenever it is asked."""

    def collect(self) -> Iterable[Metric]:
        found = standing.look_anyway()
        yield from _of_servers(found)
        if found.rows:
            yield from _of_sending(found.rows)
            yield from _of_services(found.rows)
            yield from _of_papers(found, found.rows)
            yield from _of_readers()


def _of_servers(found: Standing) -> Iterator[Metric]:
    up = [(("database",), float(found.rows is not None)), (("redis",), float(found.broker.is_up))]
    yield _gauge("up", "Whether a server answers.", ["server"], up)
    queues = [((name,), float(length)) for name, length in found.broker.queues.items()]
    yield _gauge("queue_length", "Tasks that wait in a queue.", ["queue"], queues)
    unserved = found.broker.unserved()
    served = [((name,), float(name not in unserved)) for name in found.broker.queues]
    yield _gauge("queue_served", "Whether a living worker serves a queue.", ["queue"], served)
    ages = [((worker.name,), worker.age.total_seconds()) for worker in found.broker.workers]
    yield _gauge("worker_age_seconds", "Since a worker said that it lives.", ["worker"], ages)
    free = [((str(disk.folder),), disk.free) for disk in found.disks]
    yield _gauge("disk_free_ratio", "Share of a disk that is free.", ["folder"], free)


def _of_sending(rows: Rows) -> Iterator[Metric]:
    run = rows.run
    yield _one("last_tick_seconds", "Since the last tick.", _seconds(rows.clock.age))
    states = [((state,), float(number)) for state, number in run.states.items()]
    yield _gauge("digests_today", "Digests of the readers' date of today.", ["state"], states)
    skips = [((reason,), float(number)) for reason, number in run.skips]
    yield _gauge("skipped_today", "Digests of today that were skipped.", ["reason"], skips)
    yield _one("readers_due", "Readers who are due, up to 50,001.", float(run.readers_due.number))
    yield _one("digests_ready", "Digests that can go now, up to 50,001.", float(run.ready.number))
    yield _one("digests_in_doubt", "Digests in doubt.", float(run.in_doubt.number))
    doubted, due = (_since(at, run.now) for at in (run.in_doubt.since, run.due_since))
    yield _one("oldest_doubt_seconds", "Since the oldest of them was handed over.", doubted)
    yield _one("oldest_due_seconds", "Since somebody waits who could be sent something.", due)
    rates = [((name,), rate) for name, rate in run.by_service.items()]
    yield _gauge("sent_per_second", "Hand-overs in the last minute.", ["mail_service"], rates)
    # Through a pipe, bounces come when there are any.
    read_at = rows.clock.bounces_at if settings.MAIL_BOUNCES_MAILBOX else None
    unread = _since(read_at, run.now)
    yield _one("last_bounces_seconds", "Since the mailbox of the bounces was read.", unread)
    yield _one("letters_waiting", "Letters that wait, up to 1,000.", float(rows.clock.letters))


def _of_services(rows: Rows) -> Iterator[Metric]:
    names = ["mail_service"]
    held = [((one.name,), float(bool(one.holds))) for one in rows.services]
    yield _gauge("held", "Whether a mail service is held.", names, held)
    # Held for good: only an operator ends it.
    broken = [
        ((one.name,), float(any(hold.until is None for hold in one.holds))) for one in rows.services
    ]
    yield _gauge("held_until_released", "Whether an operator has to act.", names, broken)
    used = [((one.name,), float(one.used)) for one in rows.services]
    yield _gauge("quota_used", "Taken of today's quota.", names, used)
    quotas = [((one.name,), float(one.quota)) for one in rows.services if one.quota is not None]
    yield _gauge("quota", "Today's quota.", names, quotas)
    pauses = [((one.name,), float(len(one.back_offs))) for one in rows.services]
    yield _gauge("back_offs", "Mailbox providers that asked us to wait.", names, pauses)


def _of_papers(found: Standing, rows: Rows) -> Iterator[Metric]:
    ages = [
        ((source.name,), (found.now - source.good_at).total_seconds())
        for source in rows.sources
        if source.good_at
    ]
    yield _gauge("source_age_seconds", "Since a source was last read well.", ["source"], ages)
    failed = [((source.name,), float(source.failed)) for source in rows.sources]
    yield _gauge("source_failed_looks", "Looks that failed since.", ["source"], failed)
    new = [((source.name,), float(source.new_today)) for source in rows.sources]
    yield _gauge("source_new_papers", "New papers within a day.", ["source"], new)
    edition = rows.run.edition
    age = _since(edition.closed_at if edition else None, found.now)
    yield _one("edition_age_seconds", "Since the newest edition closed.", age)
    yield _one("edition_papers", "Its papers.", float(edition.papers) if edition else None)
    yield _one("papers_waiting", "For the next edition.", float(rows.run.open_papers))


def _of_readers() -> Iterator[Metric]:
    active, _ = readers.active()
    yield _one("readers_active", "Active readers, nearly.", float(active))
    acts = fetch("SELECT act, sum(number)::bigint FROM digest_consentcount GROUP BY act")
    yield _counter("reader_acts", "What readers did, since the beginning.", "act", acts)
    said = dict(fetch("SELECT kind, sum(number)::bigint FROM digest_feedbackcount GROUP BY kind"))
    kinds = [(str(kind), said.get(kind, 0)) for kind in FeedbackCount.Kind]
    samples = [((kind,), float(number)) for kind, number in kinds]
    yield _gauge("feedback", "Votes and clicks on papers in mails.", ["kind"], samples)


# --- families ------------------------------------------------------------------------------
def _gauge(name: str, words: str, labels: list[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(f"broadsheet_{name}", words, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _one(name: str, words: str, number: float | None) -> Metric:
    """A figure without labels, absent if there is nothing to tell."""
    return _gauge(name, words, [], [] if number is None else [((), number)])


def _counter(name: str, words: str, label: str, rows: Iterable[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(f"broadsheet_{name}", words, labels=[label])
    for value, number in rows:
        family.add_metric([value], number)
    return family


def _since(at: datetime | None, now: datetime) -> float | None:
    return _seconds(now - at) if at else None


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else max(0.0, length.total_seconds())
