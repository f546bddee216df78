"""DNS with a time limit, which tells "there is none" from "nobody answers"."""

import time
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
import dns.resolver
import dns.reversename
from django.utils.translation import gettext as _

SECONDS = 5.0
# After so many look-ups in a row that nobody answered, no more are tried.
_MOST_SILENT = 3
# For all look-ups together, however slow the answers are.
MOST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The values that DNS has; none if there is no such record. With a `problem` nobody knows."""

    values: tuple[str, ...] = ()
    problem: str = ""


@dataclass
class Resolver:
    """Asks the system's DNS servers, or the one given. Each question is asked once."""

    server: str = ""
    port: int = 53
    seconds: float = SECONDS
    most_seconds: float = MOST_SECONDS
    _kept: dict[tuple[str, str], Answer] = field(default_factory=dict)
    _silent: int = 0
    _begun_at: float = field(default_factory=time.monotonic)

    def txt(self, name: str) -> Answer:
        return self.look_up(name, "TXT")

    def addresses(self, name: str) -> Answer:
        """The IPv4 and IPv6 addresses of a host. A problem counts if there are none."""
        four, six = self.look_up(name, "A"), self.look_up(name, "AAAA")
        values = four.values + six.values
        return Answer(values, "" if values else four.problem or six.problem)

    def names_of(self, address: str) -> Answer:
        return self.look_up(dns.reversename.from_address(address).to_text(), "PTR")

    def look_up(self, name: str, kind: str) -> Answer:
        key = (name.rstrip(".").lower(), kind)
        if key not in self._kept:
            self._kept[key] = self._asked(*key)
        return self._kept[key]

    def _asked(self, name: str, kind: str) -> Answer:
        is_over = time.monotonic() > self._begun_at + self.most_seconds
        if is_over or self._silent >= _MOST_SILENT:
            return Answer(problem=_("DNS did not answer."))
        try:
            found = self._resolver().resolve(
                f"{name}.", kind, search=False, lifetime=self.seconds, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            self._silent = 0
            return Answer()
        except dns.resolver.LifetimeTimeout:
            self._silent += 1
            return Answer(problem=_("DNS did not answer."))
        except dns.resolver.NoNameservers:
            return Answer(
                problem=_("The DNS server could not answer for %(name)s.") % {"name": name}
            )
        except (dns.exception.DNSException, OSError, ValueError) as error:
            if isinstance(
                error, dns.name.LabelTooLong | dns.name.NameTooLong | dns.name.EmptyLabel
            ):
                return Answer()  # no such name can exist
            return Answer(
                problem=_("DNS could not be asked: %(error)s") % {"error": type(error).__name__}
            )
        self._silent = 0
        return Answer(tuple(_text(one) for one in found.rrset or ()))

    def _resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        if self.server:
            resolver.nameservers, resolver.port = [self.server], self.port
        else:
            system = dns.resolver.get_default_resolver()
            resolver.nameservers, resolver.port = system.nameservers, system.port
        resolver.timeout = self.seconds / 2  # time for a second try
        return resolver


def _text(data: Any) -> str:
    match data.rdtype:
        case dns.rdatatype.TXT:
            return b"".join(data.strings).decode("utf-8", "replace")
        case dns.rdatatype.MX:
            return str(data.exchange).rstrip(".").lower()
        case dns.rdatatype.PTR:
            return str(data.target).rstrip(".").lower()
    return str(data.address)
