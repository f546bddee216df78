"""A real HTTP server on this machine with the APIs of Postmark, Resend and Brevo.

It keeps a ledger of what it accepted, honours idempotency keys as the real services do, and
answers Postmark's search. It implements what anymail 15 and ``digest.delivery.doubt`` use:
https://postmarkapp.com/developer/api/email-api, …/messages-api,
https://resend.com/docs/api-reference/emails/send-email, …/dashboard/emails/idempotency-keys,
https://developers.brevo.com/reference/sendtransacemail, …/docs/heterogenous-versions-batch-emails
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from email.utils import parseaddr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytest_django import Settings

TOKEN = "test-token"


@dataclass(frozen=True, slots=True)
class Sending:
    """A request to send one message. `digest` is our ID in its metadata, or ""."""

    path: str
    address: str
    digest: str
    body: bytes
    key: str = ""
    tag: str = ""
    stream: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message in the service's ledger."""

    sending: Sending
    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service does with a request. With `content` None it gives its usual answer.

    An accepted message is in the ledger before the answer goes out, `wait` seconds later. If
    `status` is 0, the connection is closed without an answer.
    """

    status: int = 200
    is_accepted: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    wait: float = 0


ACCEPT = Answer(is_accepted=True)
ACCEPT_SLOWLY = replace(ACCEPT, wait=1)
ACCEPT_AND_HANG_UP = replace(ACCEPT, status=0)
ACCEPT_UNREADABLY = replace(ACCEPT, content=b"<html>All is well.</html>")
HANG_UP = Answer(status=0)


def refuse_as_inactive(sending: Sending) -> Answer:
    """Postmark's answer for an address that has bounced before."""
    said = (
        "You tried to send to a recipient that has been marked as inactive.\n"
        f"Found inactive addresses: {sending.address}.\n"
        "Inactive recipients are ones that have generated a hard bounce or a spam complaint."
    )
    return Answer(422, content=json.dumps({"ErrorCode": 406, "Message": said}).encode())


class FakeService:
    """Accepts messages on a free port of 127.0.0.1 once `serving` has started it.

    `on_send` may be replaced by a function with other answers. `requests` holds all requests,
    `ledger` the accepted messages, and `searches` the queries of Postmark's search. `is_indexed`
    decides which messages the search can find.
    """

    def __init__(self) -> None:
        self.requests: list[Sending] = []
        self.ledger: list[Accepted] = []
        self.searches: list[Mapping[str, str]] = []
        self.on_send: Callable[[Sending], Answer] = lambda _: ACCEPT
        self.is_indexed: Callable[[Accepted], bool] = lambda _: True
        self._first_by_key: dict[str, Accepted] = {}
        self._lock = Lock()

    def times_accepted(self) -> Counter[str]:
        """How many messages were accepted for each address."""
        return Counter(accepted.sending.address for accepted in list(self.ledger))

    def answer(self, sending: Sending) -> Answer:
        """Process a request and return the answer to send."""
        with self._lock:
            self.requests.append(sending)
            answer = self.on_send(sending)
            if not answer.is_accepted:
                return answer
            first = self._first_by_key.get(sending.key) if sending.key else None
            if first is not None and (refusal := _refuse_key(first.sending, sending)):
                return refusal
            accepted = first or self._accept(sending)
        if answer.content is None:
            status, said = _acceptance(accepted)
            answer = replace(answer, status=answer.status and status, content=said)
        return answer

    def search(self, wanted: Mapping[str, str]) -> dict[str, Any]:
        """Postmark's outbound message search, newest first."""
        self.searches.append(wanted)
        found = [
            _found(accepted)
            for accepted in reversed(self.ledger)
            if self.is_indexed(accepted)
            and wanted.get("metadata_digest", accepted.sending.digest) == accepted.sending.digest
            and wanted.get("tag", accepted.sending.tag) == accepted.sending.tag
            and wanted.get("messagestream", "outbound") == accepted.sending.stream
        ]
        page = found[int(wanted["offset"]) :][: int(wanted["count"])]
        return {"TotalCount": len(found), "Messages": page}

    def _accept(self, sending: Sending) -> Accepted:
        accepted = Accepted(sending, f"m-{len(self.ledger) + 1}", datetime.now(UTC))
        self.ledger.append(accepted)
        if sending.key:
            self._first_by_key[sending.key] = accepted
        return accepted


@contextmanager
def serving(settings: Settings, backend: str) -> Iterator[FakeService]:
    """A running service that receives all mail of a test through `backend`, one of anymail's."""
    service = FakeService()
    with running(service) as url:
        settings.EMAIL_BACKEND = backend
        settings.ANYMAIL = {"REQUESTS_TIMEOUT": 0.5, **addresses(url)}
        yield service


@contextmanager
def running(service: FakeService) -> Iterator[str]:
    """Run the service, and yield its URL."""
    server = _Server(service)
    # Its threads are not waited for at the end, even if one is still answering slowly.
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def addresses(url: str) -> dict[str, str]:
    """What anymail must know to use the service at this URL, as any of the services."""
    return {
        "POSTMARK_API_URL": url,
        "POSTMARK_SERVER_TOKEN": TOKEN,
        "RESEND_API_URL": url,
        "RESEND_API_KEY": TOKEN,
        "BREVO_API_URL": f"{url}v3/",
        "BREVO_API_KEY": TOKEN,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, service: FakeService) -> None:
        self.service = service
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that were killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Otherwise each answer on a reused connection waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = Answer(401, content=b"{}")
        keys = (self._token("X-Postmark-Server-Token"), self._token("api-key"), self._bearer)
        # What a webhook is known by is its signature.
        if TOKEN in keys or self.path == "/hook":
            sending = _READERS[self.path](self.path, json.loads(body), body, self.headers)
            answer = self.server.service.answer(sending)
        time.sleep(answer.wait)
        self._reply(answer)

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        if split.path != "/messages/outbound" or self._token("X-Postmark-Server-Token") != TOKEN:
            return self._reply(Answer(401, content=b"{}"))
        wanted = {name: values[0] for name, values in parse_qs(split.query).items()}
        said = json.dumps(self.server.service.search(wanted)).encode()
        return self._reply(Answer(content=said))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""

    def _reply(self, answer: Answer) -> None:
        if not answer.status:
            self.close_connection = True
            return
        content = b"{}" if answer.content is None else answer.content
        with suppress(ConnectionError):  # the client may have gone
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

    def _token(self, name: str) -> str:
        return str(self.headers.get(name, ""))

    @property
    def _bearer(self) -> str:
        return self._token("Authorization").removeprefix("Bearer ")


# --- how each service reads a request, and how it accepts one -------------------------------
_Headers = Message


def _read_postmark(path: str, data: Any, body: bytes, _: _Headers) -> Sending:
    return Sending(
        path,
        parseaddr(data["To"])[1],
        data.get("Metadata", {}).get("digest", ""),
        body,
        tag=data.get("Tag", ""),
        stream=data.get("MessageStream", "outbound"),
    )


def _read_resend(path: str, data: Any, body: bytes, headers: _Headers) -> Sending:
    metadata = json.loads(data.get("headers", {}).get("X-Metadata", "{}"))
    key = str(headers.get("Idempotency-Key", ""))
    return Sending(path, parseaddr(data["to"][0])[1], metadata.get("digest", ""), body, key=key)


def _read_brevo(path: str, data: Any, body: bytes, _: _Headers) -> Sending:
    headers = data.get("headers", {})
    metadata = json.loads(headers.get("X-Mailin-custom", "{}"))
    key = headers.get("idempotencyKey", "")
    return Sending(path, data["to"][0]["email"], metadata.get("digest", ""), body, key=key)


def _read_hook(path: str, data: Any, body: bytes, headers: _Headers) -> Sending:
    """A webhook of ours. What becomes of it is for `on_send` to say."""
    return Sending(path, "", "", body, headers=dict(headers.items()))


_READERS: Mapping[str, Callable[[str, Any, bytes, _Headers], Sending]] = {
    "/email": _read_postmark,
    "/emails": _read_resend,
    "/v3/smtp/email": _read_brevo,
    "/hook": _read_hook,
}


def _acceptance(accepted: Accepted) -> tuple[int, bytes]:
    sending = accepted.sending
    postmark = {
        "To": sending.address,
        "MessageID": accepted.message_id,
        "ErrorCode": 0,
        "Message": "OK",
    }
    status, said = {
        "/email": (200, postmark),
        "/emails": (200, {"id": accepted.message_id}),
        "/v3/smtp/email": (201, {"messageId": accepted.message_id}),
    }[sending.path]
    return status, json.dumps(said).encode()


def _refuse_key(first: Sending, again: Sending) -> Answer | None:
    """Resend repeats its first answer, but only for the same payload. Brevo never does."""
    if again.path == "/v3/smtp/email":
        return Answer(400, content=b'{"code": "duplicate_parameter", "message": "seen"}')
    if again.body != first.body:
        return Answer(409, content=b'{"name": "invalid_idempotent_request", "statusCode": 409}')
    return None


def _found(accepted: Accepted) -> dict[str, Any]:
    # Postmark gives times in New York time, with seven decimals of a second.
    at = accepted.at.astimezone(timezone(timedelta(hours=-5)))
    return {
        "MessageID": accepted.message_id,
        "ReceivedAt": f"{at:%Y-%m-%dT%H:%M:%S.%f}0-05:00",
        "Tag": accepted.sending.tag,
        "Metadata": {"digest": accepted.sending.digest} if accepted.sending.digest else {},
    }
