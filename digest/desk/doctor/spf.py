"""An SPF record, walked and evaluated (RFC 7208).

No kept library does both with a DNS server and time limits of our choice: pyspf has had no release
since 2020 and asks through a global of its own; checkdmarc cannot say whether an IP address passes.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from .resolver import Answer, Resolver

MOST_LOOKUPS, MOST_VOID = 10, 2
# However wrong a record is, the walk ends.
_MOST_WALKED = 60
_TERM = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^\s]+?))?(/\d{1,3})?(?://(\d{1,3}))?",
    re.IGNORECASE,
)
_MODIFIER = re.compile(r"([A-Za-z][\w.-]*)=(.*)", re.ASCII)
_MACRO = re.compile(r"%(?:\{([slodiphcrtv])(\d*)(r?)([.+,/_=-]*)\}|([%_-]))", re.IGNORECASE)
_RESULTS = {"+": "pass", "": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_NEED_VALUE = {"include", "exists", "ip4", "ip6"}

IP = IPv4Address | IPv6Address


class Fault(StrEnum):
    """What makes a record invalid for everyone (a "permerror")."""

    SEVERAL = "several"
    SYNTAX = "syntax"
    MISSING = "missing"
    LOOP = "loop"


@dataclass
class Walk:
    """One evaluation. Without an IP address nothing matches, so the whole record is walked.

    `faults` are pairs of a fault and what it is about, `unanswered` what nobody answered.
    """

    dns: Resolver
    ip: IP | None = None
    sender: str = ""
    helo: str = ""
    lookups: int = 0
    voids: int = 0
    includes: list[str] = field(default_factory=list)
    faults: list[tuple[Fault, str]] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    all_qualifier: str | None = None

    def result(self, domain: str, above: tuple[str, ...] = (), *, is_own: bool = True) -> str:
        """RFC 7208's result for the domain: pass, fail, softfail, neutral, none, permerror or
        temperror. `above` are the records that led here; one that is included is not our own."""
        if domain.lower() in above:
            return self._faulty(Fault.LOOP, domain)
        answer = self.dns.txt(domain)
        if answer.problem:
            self.unanswered.append(answer.problem)
            return "temperror"
        records = [one for one in answer.values if is_record(one)]
        if len(records) > 1:
            return self._faulty(Fault.SEVERAL, domain)
        if not records:
            return "none"
        return self._evaluated(records[0], domain, (*above, domain.lower()), is_own)

    def _evaluated(self, record: str, domain: str, above: tuple[str, ...], is_own: bool) -> str:
        redirect = ""
        for term in record.split()[1:]:
            if modifier := _MODIFIER.fullmatch(term):
                redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
                continue
            found = _TERM.fullmatch(term)
            if not found or (found[2].lower() in _NEED_VALUE) > bool(found[3]):
                return self._faulty(Fault.SYNTAX, term)
            if found[2].lower() == "all":
                if is_own:
                    self.all_qualifier = found[1] or "+"
                return _RESULTS[found[1]] if self.ip else "neutral"
            if result := self._of_mechanism(found, domain, above):
                return result
        if not redirect:
            return "neutral"
        self.lookups += 1
        target = self._expanded(redirect, domain)
        result = self.result(target, above, is_own=is_own) if target else ""
        return self._faulty(Fault.MISSING, target) if result == "none" else result or "neutral"

    def _of_mechanism(self, found: re.Match[str], domain: str, above: tuple[str, ...]) -> str:
        """The result if the mechanism matches or ends the evaluation, or ""."""
        kind = found[2].lower()
        if kind in {"ip4", "ip6"}:
            return self._of_network(found)
        self.lookups += 1
        if self.lookups > _MOST_WALKED:
            return "permerror"
        target = self._expanded(found[3] or domain, domain)
        if kind == "ptr" or not target:
            return ""  # "do not use" (§5.5), or it depends on who asks
        if kind == "include":
            return self._included(target, found[1], above)
        if kind == "exists":
            is_match = bool(self._looked_up(target, "A"))
        else:
            hosts = [target] if kind == "a" else self._looked_up(target, "MX")[:10]
            is_match = any(self._is_at(host, found) for host in hosts)
        return _RESULTS[found[1]] if is_match and self.ip else ""

    def _of_network(self, found: re.Match[str]) -> str:
        try:
            network = ip_network(f"{found[3]}{found[4] or ''}", strict=False)
        except ValueError:
            return self._faulty(Fault.SYNTAX, found[0])
        if network.version != int(found[2][-1]):
            return self._faulty(Fault.SYNTAX, found[0])
        return _RESULTS[found[1]] if self.ip and self.ip in network else ""

    def _included(self, target: str, qualifier: str, above: tuple[str, ...]) -> str:
        self.includes.append(target.lower())
        result = self.result(target, above, is_own=False)
        if result == "none":
            return self._faulty(Fault.MISSING, target)
        if result in {"permerror", "temperror"}:
            return result
        return _RESULTS[qualifier] if result == "pass" else ""

    def _is_at(self, host: str, found: re.Match[str]) -> bool:
        kind = "AAAA" if self.ip and self.ip.version == 6 else "A"
        length = found[5] if kind == "AAAA" else (found[4] or "").strip("/")
        if self.ip is None:
            self.voids += self.dns.addresses(host) == Answer()
            return False
        addresses = self._looked_up(host, kind)
        full = 128 if kind == "AAAA" else 32
        size = min(int(length or full), full)
        return any(self.ip in ip_network(f"{one}/{size}", strict=False) for one in addresses)

    def _looked_up(self, name: str, kind: str) -> tuple[str, ...]:
        answer = self.dns.look_up(name, kind)
        if answer.problem:
            self.unanswered.append(answer.problem)
        elif not answer.values:
            self.voids += 1
        return answer.values

    def _faulty(self, fault: Fault, about: str) -> str:
        self.faults.append((fault, about[:100]))
        return "permerror"

    def _expanded(self, text: str, domain: str) -> str:
        """The domain with its macros expanded (§7); "" if that needs an IP address we lack."""
        if "%" not in text:
            return text
        if self.ip is None:
            return ""
        ip = ".".join(self.ip.exploded.replace(":", "")) if self.ip.version == 6 else str(self.ip)
        values = {
            "s": f"postmaster@{self.sender}",
            "l": "postmaster",
            "o": self.sender,
            "d": domain,
            "i": ip,
            "p": "unknown",
            "h": self.helo or self.sender,
            "v": "ip6" if self.ip.version == 6 else "in-addr",
        }
        return _MACRO.sub(lambda one: _macro(one, values), text)


def _macro(found: re.Match[str], values: dict[str, str]) -> str:
    if found[5]:
        return {"%": "%", "_": " ", "-": "%20"}[found[5]]
    parts = re.split(f"[{re.escape(found[4] or '.')}]", values.get(found[1].lower(), "unknown"))
    if found[3]:
        parts.reverse()
    return ".".join(parts[-int(found[2]) :] if found[2] and int(found[2]) else parts)


def is_record(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def walked(dns: Resolver, domain: str) -> tuple[Walk, str]:
    """The whole record of a domain, whoever sends, and "none" if it has none."""
    walk = Walk(dns, sender=domain)
    return walk, walk.result(domain)


def result_for(dns: Resolver, domain: str, ip: str, helo: str) -> str:
    """What a mailbox provider makes of mail from this IP address."""
    walk = Walk(dns, ip_address(ip), domain, helo)
    result = walk.result(domain)
    too_many = walk.lookups > MOST_LOOKUPS or walk.voids > MOST_VOID
    return "permerror" if too_many else "temperror" if walk.unanswered else result
