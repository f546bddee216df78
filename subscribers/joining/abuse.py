"""Rate limits that keep the sign-up form from being used against others.

A form that mails any address entered can be abused to flood one mailbox or a whole domain. The
limits on letters therefore apply where letters go out (`decide`), are the same for everybody, and
stay invisible to whoever fills in the form: no answer depends on them. Only what reveals nothing
about an address is decided while somebody waits: too many sign-ups from one network
(`is_network_busy`), and a form or a solved puzzle that is used over and over.

All counts are moving windows in Redis. While Redis is down, nothing is mailed and nothing is lost:
sign-ups are accepted as usual, and their letters wait in the database until counting works again.
The database has a limit of its own (`signup.start_signup`), so that an emptied Redis does not
lead to a second letter to the same address.
"""

import logging
import re
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from limits import (
    RateLimitItem,
    RateLimitItemPerDay,
    RateLimitItemPerHour,
    RateLimitItemPerMonth,
)
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from subscribers import addresses

logger = logging.getLogger(__name__)

# Letters of one kind to one mailbox, in any spelling of its address. A month is 30 days here.
_LETTERS_PER_DAY = RateLimitItemPerDay(1)
_LETTERS_PER_MONTH = RateLimitItemPerMonth(3)
# A person who corrects an address sends the same form a few times; a program keeps on sending it.
_USES_OF_A_FORM = RateLimitItemPerDay(5)
_USES_OF_A_SOLUTION = RateLimitItemPerHour(1)
# So many times the sign-ups of one network may come from an IPv6 site's networks together.
_NETWORKS = 4
# An address, in brackets or not, and perhaps a port or a zone, which say nothing about the network.
_ADDRESS_AND_PORT = re.compile(
    r"\[([0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::\d+)?|([0-9.]+)(?::\d+)?|([0-9A-Fa-f:.]+)(?:%\S+)?"
)
_NAT64 = ip_network("64:ff9b::/96")
# Parsing an uploaded bibliography can take seconds.
_UPLOADS = RateLimitItemPerHour(10)


class CannotCount(Exception):
    """Redis is down, so nobody knows how much was sent. Try again later."""


class CapDecision(Enum):
    """What the limits say about one letter."""

    SEND = "send"
    LATER = "later"  # too many letters are going out; try again later
    NEVER = "never"  # this mailbox has had enough of them


# --- while somebody waits ------------------------------------------------------------------
def is_network_busy(client: str) -> bool:
    """Count a sign-up from this network and return whether there were too many within the hour."""
    network = network_of(client)
    if not network:
        return False
    caps = [(RateLimitItemPerHour(settings.SIGNUPS_PER_NETWORK), network)]
    if site := site_of(network):
        caps.append((RateLimitItemPerHour(_NETWORKS * settings.SIGNUPS_PER_NETWORK), site))
    is_within = [_is_within(cap, "network", name) for cap, name in caps]  # counts in each
    return not all(is_within)


def is_form_overused(form: str) -> bool:
    """Count a use of this form's signed token and return whether people use one less often."""
    return not _is_within(_USES_OF_A_FORM, "form", form)


def is_solution_reused(solution: str) -> bool:
    """Count a use of this solution and return whether it was already used within the last hour."""
    return not _is_within(_USES_OF_A_SOLUTION, "solution", solution)


def uploads_too_often(subscriber_id: int) -> bool:
    """Count an upload by this reader and return whether there were too many in an hour."""
    return not _is_within(_UPLOADS, "library", str(subscriber_id))


def client_of(remote: str, forwarded_for: str) -> str:
    """Return the visitor's IP address, given REMOTE_ADDR and X-Forwarded-For.

    Anybody can write anything into X-Forwarded-For, but our own proxies append to its end. So the
    address is taken from the end, as many places back as we have proxies (TRUSTED_PROXIES).
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    proxies = settings.TRUSTED_PROXIES
    return hops[-proxies] if 0 < proxies <= len(hops) else remote


def network_of(client: str) -> str:
    """Return the network of an IP address: a /24 for IPv4, for IPv6 the /64 that one customer gets.

    Some proxies add the port (192.0.2.1:4711, [2001:db8::1]:4711). All text that is no address
    counts as one network, "unknown". Returns "" for loopback addresses and for none: they mean a
    local proxy that TRUSTED_PROXIES does not count, and all visitors would share one limit.
    """
    if not client.strip():
        return ""
    address = _address_in(client)
    if address is None:
        return "unknown"
    if address.is_loopback:
        return ""
    bits = 24 if isinstance(address, IPv4Address) else 64
    return str(ip_network((address, bits), strict=False))


def site_of(network: str) -> str:
    """Return the /48 that this IPv6 /64 belongs to, "" for others.

    Providers give a whole /48 to anybody who asks, which has 65,536 networks of one customer.
    """
    if ":" not in network:
        return ""
    return str(ip_network(network).supernet(new_prefix=48))


def _address_in(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address in the text, without brackets, port and zone; None if it has none."""
    match = _ADDRESS_AND_PORT.fullmatch(text.strip().strip('"'))
    try:
        address = ip_address(next(filter(None, match.groups())) if match else "")
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return address
    # Written as IPv6, by a server that listens on both, or translated (NAT64, 6to4).
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and address in _NAT64:
        embedded = IPv4Address(int(address) & 0xFFFFFFFF)
    return embedded or address


def _is_within(cap: RateLimitItem, kind: str, name: str) -> bool:
    """Count one use and return whether the limit allows it.

    While Redis is down everything is allowed here, because no letter goes out then (`decide`).
    """
    try:
        return _window(settings.REDIS_URL).hit(cap, kind, name)
    except StorageError:
        logger.warning("Redis is down, so sign-ups are not counted")
        return True


# --- when a letter goes out ----------------------------------------------------------------
def decide(to: str, kind: str) -> CapDecision:
    """Return whether a letter of this kind may go to this address now, and if so count it.

    Call it once per letter, not once per attempt. Raises `CannotCount`.
    """
    mailbox = addresses.abuse_key(to)
    of_mailbox = [(_LETTERS_PER_MONTH, kind, mailbox), (_LETTERS_PER_DAY, kind, mailbox)]
    of_all = [(RateLimitItemPerHour(settings.CONFIRMATIONS_PER_HOUR), "letters", "all")]
    domain = addresses.parse(to).domain
    if domain not in addresses.COMMON_DOMAINS:  # many letters there go to many people
        of_all.append((RateLimitItemPerHour(settings.SIGNUPS_PER_DOMAIN), "domain", domain))
    window = _window(settings.REDIS_URL)
    try:
        if not all(window.test(cap, *names) for cap, *names in of_mailbox):
            return CapDecision.NEVER
        if not all(window.test(cap, *names) for cap, *names in of_all):
            return CapDecision.LATER
        # The mailbox comes last: if two workers have a letter for it, one must lose.
        is_allowed = [window.hit(cap, *names) for cap, *names in (*of_all, *of_mailbox)]
    except StorageError as error:
        raise CannotCount from error
    return CapDecision.SEND if all(is_allowed) else CapDecision.LATER


@cache
def _window(redis_url: str) -> MovingWindowRateLimiter:
    """Return the counter. Its timeouts are short because somebody may be waiting for a page."""
    # For a Unix socket, `limits` uses another URL scheme than Celery's broker does.
    url = redis_url.replace("redis+socket:", "redis+unix:").replace("virtual_host=", "db=")
    storage = RedisStorage(
        url,
        key_prefix="broadsheet",
        wrap_exceptions=True,
        socket_timeout=1,
        socket_connect_timeout=1,
    )
    return MovingWindowRateLimiter(storage)


# --- for limits of others ------------------------------------------------------------------
def is_within(cap: RateLimitItem, *names: str) -> bool:
    """Count one use and return whether the limit allows it.

    While Redis is down, this process counts for itself.
    """
    try:
        return _window(settings.REDIS_URL).hit(cap, *names)
    except StorageError:
        return _own_window().hit(cap, *names)


@cache
def _own_window() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())
