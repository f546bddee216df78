"""A real DNS server on this machine, over UDP and TCP, that keeps a ledger of what it was asked."""

import socketserver
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENT, SERVFAIL, LONG = "silent", "servfail", "long"


class DnsServer:
    """Answers from `zone`: by name and kind, ``{"example.org": {"TXT": ["…"]}}``.

    In `faults` a name may be SILENT (no answer), SERVFAIL, or LONG (cut off over UDP). `asked` has
    each question as (transport, name, kind).
    """

    def __init__(self) -> None:
        self.zone: dict[str, dict[str, list[str]]] = {}
        self.faults: dict[str, str] = {}
        self.asked: list[tuple[str, str, str]] = []
        self._udp = _Udp(("127.0.0.1", 0), _UdpHandler)
        self._tcp = _Tcp(self._udp.server_address, _TcpHandler)
        self._udp.owner = self._tcp.owner = self

    def __enter__(self) -> Self:
        for server in (self._udp, self._tcp):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    @property
    def port(self) -> int:
        return int(self._udp.server_address[1])

    def serve(self, zone: Mapping[str, Mapping[str, list[str]]]) -> None:
        self.zone = {name: dict(kinds) for name, kinds in zone.items()}
        self.faults, self.asked = {}, []

    def put(self, name: str, kind: str, *values: str) -> None:
        """Replace what there is of this kind; without values, take it away."""
        self.zone.setdefault(name, {})[kind] = list(values)

    def answer(self, packet: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(packet)
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((transport, name, kind))
        fault = self.faults.get(name)
        if fault == SILENT:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if fault == SERVFAIL:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif fault == LONG and transport == "udp":
            response.flags |= dns.flags.TC
        elif name not in self.zone:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif values := self.zone[name].get(kind):
            texts = [_quoted(value) if kind == "TXT" else value for value in values]
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, texts))
        return response.to_wire(max_size=65535)


def _quoted(text: str) -> str:
    """The text as the strings of at most 255 bytes of which a TXT record consists."""
    parts = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
    return " ".join('"{}"'.format(part.replace("\\", "\\\\").replace('"', '\\"')) for part in parts)


class _Udp(socketserver.ThreadingUDPServer):
    owner: DnsServer
    daemon_threads = True


class _Tcp(socketserver.ThreadingTCPServer):
    owner: DnsServer
    daemon_threads = True
    allow_reuse_address = True


class _UdpHandler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        packet, socket = self.request
        server: Any = self.server
        if answer := server.owner.answer(packet, "udp"):
            socket.sendto(answer, self.client_address)


class _TcpHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = int.from_bytes(self.rfile.read(2), "big")
        server: Any = self.server
        if answer := server.owner.answer(self.rfile.read(length), "tcp"):
            self.wfile.write(len(answer).to_bytes(2, "big") + answer)
