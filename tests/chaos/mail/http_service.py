"""Mail services with an HTTP API, in a thread of this process: see ``tests.fake_service``.

They obey the same orders as the SMTP server, keep the same ledger, and tell of what they accepted
in webhooks: twice, in any order, and some never.
"""

import base64
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Self

from django.test import Client

from tests.fake_service import Accepted, Answer, FakeService, Sending, addresses, running

from . import ledger
from .ledger import ACCEPTED, Message
from .sink import SECRET, Orders, Pace

BACKENDS = {
    "postmark": "anymail.backends.postmark.EmailBackend",
    "resend": "digest.delivery.mail_services.resend.EmailBackend",
    "brevo": "digest.delivery.mail_services.brevo.EmailBackend",
}
# How long the product waits for an answer.
TIMEOUT = 8
TURNED_AWAY = Answer(429, headers={"Retry-After": "20"}, content=b"{}")


class _Service(FakeService):
    """Does what the orders say. What is sent again under a known key is no second message."""

    def __init__(self, path: Path, rate: float, chance: Random) -> None:
        super().__init__()
        self.orders, self._pace, self._chance = Orders(), Pace(rate), chance
        self._ledger = ledger.Ledger(path)
        self._fate = "accepted"
        self.on_send = self._decide

    def _decide(self, sending: Sending) -> Answer:
        """Called with the service's lock held."""
        orders = self.orders
        if orders.take("refused") or (orders.holds() and orders.turned_away):
            return TURNED_AWAY
        if orders.holds() and self._chance.random() < orders.storm_share:
            return TURNED_AWAY
        self._fate, wait = self._fate_and_wait()
        is_taken = self._fate in ACCEPTED
        if not is_taken:
            self._ledger.add(sending.address, sending.body, self._fate)
        is_answered = self._fate in {"accepted", "stalled"}
        return Answer(200 if is_answered else 0, is_taken, wait=wait)

    def _fate_and_wait(self) -> tuple[str, float]:
        fate, wait = self.orders.fate(), max(self._pace.wait(), 0.0)
        if fate in {"hung", "stalled"}:
            return fate, self.orders.stall_seconds
        if fate == "accepted" and self.orders.holds():
            wait = max(wait, self.orders.slow_seconds)
        return "stalled" if fate == "accepted" and wait >= TIMEOUT else fate, wait

    def _accept(self, sending: Sending) -> Accepted:
        self._ledger.add(sending.address, sending.body, self._fate)
        return super()._accept(sending)


class HttpService:
    """One of the services, by the name in `BACKENDS`. A context manager.

    `delivered` are the recipients and times of the mails that it has reported as delivered.
    """

    def __init__(self, name: str, path: Path, *, rate: float, chance: Random) -> None:
        self.name, self._path, self._chance = name, path, chance
        self._service = _Service(path, rate, chance)
        self._stack = ExitStack()
        self._told = 0
        self.delivered: list[tuple[str, datetime]] = []
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        url = self._stack.enter_context(running(self._service))
        self.environment = {
            "MAIL_BACKEND": BACKENDS[self.name],
            "MAIL_TIMEOUT_SECONDS": str(TIMEOUT),
        }
        self.environment |= {f"ANYMAIL_{key}": value for key, value in addresses(url).items()}
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def order(self, **orders: Any) -> None:
        self._service.orders = replace(self._service.orders, **orders)

    def count(self) -> int:
        """How many messages it has been given so far."""
        return len(self._service.requests)

    def entries(self) -> Sequence[Message]:
        return ledger.read(self._path)

    def tell(self) -> int:
        """Report what was accepted since the last call, if there are webhooks. Returns how many."""
        news = self._service.ledger[self._told :]
        self._told += len(news)
        if self.name != "postmark":
            return 0
        events = [event for one in news for event in self._events(one)] * 2
        self._chance.shuffle(events)
        client = Client(SERVER_NAME="news.example.org")
        for event in events:
            _post(client, event)
        return len(events)

    def _events(self, accepted: Accepted) -> list[dict[str, Any]]:
        """Every eighth is never heard of; some were delivered only after a first try in vain."""
        number = len(accepted.message_id) + int(accepted.message_id.removeprefix("m-"))
        if not accepted.sending.digest or number % 8 == 0:
            return []
        self.delivered.append((accepted.sending.address, accepted.at))
        told = [_event(accepted, "Delivery", DeliveredAt=accepted.at)]
        if number % 5 == 0:
            told.append(
                _event(accepted, "Bounce", Type="Transient", ID=number, BouncedAt=accepted.at)
            )
        if number % 7 == 0:
            told.append(_event(accepted, "Open", ReceivedAt=accepted.at))
        return told


def _event(accepted: Accepted, kind: str, **said: Any) -> dict[str, Any]:
    who = {"Bounce": "Email"}.get(kind, "Recipient")
    times = {name: value.isoformat() for name, value in said.items() if name.endswith("At")}
    return {
        "RecordType": kind,
        "MessageID": accepted.message_id,
        "Metadata": {"digest": accepted.sending.digest},
        who: accepted.sending.address,
        **said,
        **times,
    }


def _post(client: Client, event: dict[str, Any]) -> None:
    """As a service does, which tries again until it is answered with a success."""
    secret = base64.b64encode(SECRET.encode()).decode()
    for _ in range(100):
        try:
            answer = client.post(
                "/webhooks/postmark/tracking/",
                event,
                content_type="application/json",
                headers={"Authorization": f"Basic {secret}"},
                secure=True,
            )
        except Exception:  # the database may be down
            time.sleep(0.2)
            continue
        assert answer.status_code == 200, answer
        return
    raise AssertionError("a webhook was never taken")
