"""Events that mail services report, through their real webhooks into the database: each twice,
and in any order. Afterwards nothing may be lost, doubled or out of order."""

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
# So many events SparkPost puts into one request; Postmark sends each by itself.
AT_ONCE = 100
SECRET = "us:secret"
NOTHINGS = 4_000


@dataclass(frozen=True, slots=True)
class Told:
    """What a service reports of one digest."""

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
            told = _told(chance)
            requests = made(told)
            rate = _per_second(port, requests) * len(told) / len(requests)
            _check(told)
            share = f"{rate / nothing:.2f}"
            table.add_row(f"{name}, each event twice", f"{len(told):,}", f"{rate:,.0f}", share)
    return table


def _told(chance: Random) -> list[Told]:
    """Of each digest that it was delivered, of some a complaint too; all of it twice, shuffled."""
    edition = fresh_edition(chance)
    fresh_readers(READERS, chance)
    readers = list(Subscriber.objects.only("email"))
    for reader in readers:
        reader.address_hash = addresses.hashed(reader.email)  # by which events find them
    Subscriber.objects.bulk_update(readers, ["address_hash"], batch_size=1000)
    Event.objects.all().delete()
    Suppression.objects.all().delete()
    now = timezone.now()
    digests = Digest.objects.bulk_create(
        Digest(edition=edition, subscriber=reader, state=Digest.State.SENT, handed_over_at=now)
        for reader in readers
    )
    told = [
        Told(digest, reader.email, is_complaint)
        for number, (digest, reader) in enumerate(zip(digests, readers, strict=True))
        for is_complaint in ([False, True] if number % 20 == 0 else [False])
    ] * 2
    chance.shuffle(told)
    return told


def _check(told: Sequence[Told]) -> None:
    complained = {one.digest.pk for one in told if one.is_complaint}
    states = dict(Digest.objects.values_list("pk", "state"))
    delivered, complaint = Digest.State.DELIVERED, Digest.State.COMPLAINED
    assert Event.objects.count() * 2 == len(told)
    assert states == {pk: complaint if pk in complained else delivered for pk in states}
    assert Suppression.objects.count() == len(complained)


# --- requests ------------------------------------------------------------------------------
Request = tuple[str, str, str]


def _by_postmark(told: Sequence[Told]) -> list[Request]:
    return [("POST", "/webhooks/postmark/tracking/", json.dumps(_postmark(one))) for one in told]


def _postmark(one: Told) -> dict[str, object]:
    about = {"MessageID": f"m-{one.digest.pk}", "Metadata": {"digest": str(one.digest.uuid)}}
    if one.is_complaint:
        said = {"RecordType": "SpamComplaint", "ID": one.digest.pk, "Email": one.email}
        return {**about, **said, "Type": "SpamComplaint", "BouncedAt": "2026-11-23T08:00:00Z"}
    said = {"RecordType": "Delivery", "Recipient": one.email}
    return {**about, **said, "DeliveredAt": "2026-11-23T07:00:00Z"}


def _by_sparkpost(told: Sequence[Told]) -> list[Request]:
    return [
        ("POST", "/webhooks/sparkpost/tracking/", json.dumps([_sparkpost(one) for one in some]))
        for some in (told[at : at + AT_ONCE] for at in range(0, len(told), AT_ONCE))
    ]


def _sparkpost(one: Told) -> dict[str, object]:
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
    """How many requests are answered a second, over several connections."""
    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        statuses = set(pool.map(lambda request: _answer(port, *request), requests))
    assert statuses == {200}
    return len(requests) / (time.perf_counter() - start)


def _answer(port: int, method: str, path: str, body: str) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    allowed = base64.b64encode(SECRET.encode()).decode()
    headers = {"Host": "news.example.org", "Authorization": f"Basic {allowed}"}
    line.request(method, path, body or None, {**headers, "Content-Type": "application/json"})
    response = line.getresponse()
    response.read()
    line.close()
    return response.status
