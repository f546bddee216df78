"""A real HTTP server on this machine that speaks OpenAI's chat completions, and misbehaves.

It keeps a ledger of what it was asked and how many tokens that took, as the provider's bill would.
https://platform.openai.com/docs/api-reference/chat/create
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

KEY = "test-key"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: which paper it is about, in which language, and the whole of it."""

    title: str
    language: str
    body: dict[str, Any]
    key: str
    path: str


Script = Callable[[BaseHTTPRequestHandler, Asked], None]


def says(text: object, *, usage: object = None, status: int = 200) -> Script:
    """A script that answers with this text."""

    def script(handler: BaseHTTPRequestHandler, _asked: Asked) -> None:
        said = {"choices": [{"message": {"role": "assistant", "content": text}}]}
        send(handler, json.dumps(said | ({"usage": usage} if usage else {})).encode(), status)

    return script


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@dataclass
class ChatService:
    """`script` decides the answers. `ledger` has all requests, `most_at_once` how many there were
    together."""

    script: Script
    ledger: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    url: str = ""
    _at_once: int = 0
    _lock: Lock = field(default_factory=Lock)

    def times(self) -> Counter[tuple[str, str]]:
        """How often each paper was asked about, in each language."""
        return Counter((one.title, one.language) for one in self.ledger)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        system, user = (message["content"] for message in body["messages"])
        language = system.partition(" sentence in ")[2].partition(",")[0]
        key = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        asked = Asked(json.loads(user)["title"], language, body, key, handler.path)
        with self._lock:
            self.ledger.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.script(handler, asked)
        finally:
            with self._lock:
                self._at_once -= 1


@contextmanager
def chatting(script: Script) -> Iterator[ChatService]:
    service = ChatService(script)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with suppress(OSError):  # the client hung up
                service.answer(self)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def dawdle(seconds: float) -> None:
    time.sleep(seconds)
