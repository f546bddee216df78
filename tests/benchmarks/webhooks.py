"""Events reported by mail services, through the real webhooks into the database.

Each event arrives twice, in random order. Afterwards no event may be lost or stored twice, and
every digest must be in the right state.
"""

import base64
import http.client
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from django.utils import timezone
from rich.table import Table

from digest.models import Digest, Event
from subscribers import addresses
from subscribers.models import Subscriber, Suppression
from tests.benchmarks.load import fresh_edition, fresh_readers
from tests.benchmarks.pages import gunicorn

READERS = 4_000
PROCESSES, CONNECTIONS = 2, 8
# Events in one request by SparkPost; Postmark sends each in a request of its own.
AT_ONCE = 100
SECRET = "us:secret"
NOTHINGS = 4_000


@dataclass(frozen=True, slots=True)
class Report:
    """What a service reports about one digest."""

    digest: Digest
    email: str
    is_complaint: bool


def run() -> Table:
    chance = Random(1)
    table = Table("webhooks, two processes", "events", "a second", "of doing nothing")
    with gunicorn({"WEBHOOK_SECRET": SECRET}, processes=PROCESSES) as port:
        nothing = _per_second(port, [("GET", "/nothing", "")] * NOTHINGS)
        table.add_row("a view that does nothing", f"{NOTHINGS:,}", f"{nothing:,.0f}", "1.00")
        for name, made in (("Postmark", _by_postmark), ("SparkPost", _by_sparkpost)):
            reports = _make_reports(chance)
            requests = made(reports)
            rate = _per_second(port, requests) * len(reports) / len(requests)
            _check(reports)
            share = f"{rate / nothing:.2f}"
            table.add_row(f"{name}, each event twice", f"{len(reports):,}", f"{rate:,.0f}", share)
    return table


def _make_reports(chance: Random) -> list[Report]:
    """A delivery for each digest and a complaint for some; each report twice, shuffled."""
    edition = fresh_edition(chance)
    fresh_readers(READERS, chance)
    readers = list(Subscriber.objects.only("email"))
    for reader in readers:
        reader.address_hash = addresses.hashed(reader.email)  # events find readers by it
    Subscriber.objects.bulk_update(readers, ["address_hash"], batch_size=1000)
    Event.objects.all().delete()
    Suppression.objects.all().delete()
    now = timezone.now()
    digests = Digest.objects.bulk_create(
        Digest(
            edition=edition,
            subscriber=reader,
            local_date=edition.date,
            state=Digest.State.SENT,
            handed_over_at=now,
        )
        for reader in readers
    )
    reports = [
        Report(digest, reader.email, is_complaint)
        for number, (digest, reader) in enumerate(zip(digests, readers, strict=True))
        for is_complaint in ([False, True] if number % 20 == 0 else [False])
    ] * 2
    chance.shuffle(reports)
    return reports


def _check(reports: Sequence[Report]) -> None:
    complained = {one.digest.pk for one in reports if one.is_complaint}
    states = dict(Digest.objects.values_list("pk", "state"))
    delivered, complaint = Digest.State.DELIVERED, Digest.State.COMPLAINED
    assert Event.objects.count() * 2 == len(reports)
    assert states == {pk: complaint if pk in complained else delivered for pk in states}
    assert Suppression.objects.count() == len(complained)


# --- requests ------------------------------------------------------------------------------
Request = tuple[str, str, str]


def _by_postmark(reports: Sequence[Report]) -> list[Request]:
    return [("POST", "/webhooks/postmark/tracking/", json.dumps(_postmark(one))) for one in reports]


def _postmark(one: Report) -> dict[str, object]:
    about = {"MessageID": f"m-{one.digest.pk}", "Metadata": {"digest": str(one.digest.uuid)}}
    if one.is_complaint:
        said = {"RecordType": "SpamComplaint", "ID": one.digest.pk, "Email": one.email}
        return {**about, **said, "Type": "SpamComplaint", "BouncedAt": "2026-11-23T08:00:00Z"}
    said = {"RecordType": "Delivery", "Recipient": one.email}
    return {**about, **said, "DeliveredAt": "2026-11-23T07:00:00Z"}


def _by_sparkpost(reports: Sequence[Report]) -> list[Request]:
    return [
        ("POST", "/webhooks/sparkpost/tracking/", json.dumps([_sparkpost(one) for one in some]))
        for some in (reports[at : at + AT_ONCE] for at in range(0, len(reports), AT_ONCE))
    ]


def _sparkpost(one: Report) -> dict[str, object]:
    kind = "spam_complaint" if one.is_complaint else "delivery"
    said = {
        "type": kind,
        "event_id": f"{kind}-{one.digest.pk}",
        "transmission_id": f"m-{one.digest.pk}",
        "raw_rcpt_to": one.email,
        "timestamp": str(1795417200 + one.is_complaint),
        "rcpt_meta": {"digest": str(one.digest.uuid)},
    }
    return {"msys": {"message_event": said}}


def _per_second(port: int, requests: Sequence[Request]) -> float:
    """Requests per second that are answered, over several connections."""
    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        statuses = set(pool.map(lambda request: _answer(port, *request), requests))
    assert statuses == {200}
    return len(requests) / (time.perf_counter() - start)


def _answer(port: int, method: str, path: str, body: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    allowed = base64.b64encode(SECRET.encode()).decode()
    headers = {"Host": "news.example.org", "Authorization": f"Basic {allowed}"}
    connection.request(method, path, body or None, {**headers, "Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status
