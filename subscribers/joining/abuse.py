"""How often: the caps that keep the sign-up form from being used against others.

A form that mails whatever address is entered can be turned into a flood for one mailbox, or
for a whole domain. So the caps on letters are kept where letters go out (`judge`), the same
for everybody and out of sight of whoever fills in the form: no answer depends on them. Only
what tells nothing of an address is decided while somebody waits: too many sign-ups from one
network (`is_network_busy`), and a form or a solved puzzle that is used again and again.

All counts are moving windows in Redis. When Redis does not answer, nothing is mailed and
nothing is lost: sign-ups are taken as usual, and their letters wait in the database until the
caps can be counted again. The database keeps a cap of its own (`signup.start_signup`), so that
a Redis that was emptied does not mean a second letter to the same address.
"""

import logging
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
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from subscribers import addresses

logger = logging.getLogger(__name__)

# Of one kind of letter, to whatever spelling of one mailbox. A month has 30 days here.
A_DAY = RateLimitItemPerDay(1)
A_MONTH = RateLimitItemPerMonth(3)
# Somebody who corrects an address sends one form a few times; a program, for ever.
USES_OF_A_FORM = RateLimitItemPerDay(5)
ONCE_AN_HOUR = RateLimitItemPerHour(1)
# To read a library may take seconds.
LIBRARIES = RateLimitItemPerHour(10)


class CannotCount(Exception):
    """Redis does not answer, so nobody knows how much was sent. Try again later."""


class Verdict(Enum):
    """Whether a letter may go out now."""

    GO = "go"
    LATER = "later"  # too many are going out; its turn comes
    NEVER = "never"  # this mailbox had enough of them


# --- while somebody waits ------------------------------------------------------------------
def is_network_busy(client: str) -> bool:
    """Count a sign-up from this network. Answers whether there were too many within the hour."""
    network = network_of(client)
    if not network:
        return False
    return not _is_within(RateLimitItemPerHour(settings.SIGNUPS_PER_NETWORK), "network", network)


def is_form_worn(form: str) -> bool:
    """Count a use of this form's signed token. Answers whether only a program uses one so often."""
    return not _is_within(USES_OF_A_FORM, "form", form)


def is_used_again(solution: str) -> bool:
    """Count a use of this solution. Answers whether it was used within the hour before."""
    return not _is_within(ONCE_AN_HOUR, "solution", solution)


def brings_too_much(subscriber_id: int) -> bool:
    """Count a library of this reader's. Answers whether there were too many within the hour."""
    return not _is_within(LIBRARIES, "library", str(subscriber_id))


def client_of(remote: str, forwarded_for: str) -> str:
    """The address of whoever asks, from REMOTE_ADDR and X-Forwarded-For.

    Anybody can write anything into that header; what our own proxies added stands at its end.
    So it counts only from the place that the number of our proxies (TRUSTED_PROXIES) gives.
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    proxies = settings.TRUSTED_PROXIES
    return hops[-proxies] if 0 < proxies <= len(hops) else remote


def network_of(client: str) -> str:
    """The network of an address: 256 neighbours, or with IPv6 what one customer gets.

    "" for what is no address, and for this machine itself, which is a proxy that nobody told
    us of: all visitors would share one cap.
    """
    try:
        address = ip_address(client.strip("[]"))
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return ""
    bits = 24 if isinstance(address, IPv4Address) else 64
    return str(ip_network((address, bits), strict=False))


def _is_within(cap: RateLimitItem, kind: str, name: str) -> bool:
    """Count one, and answer whether the cap allows it. Without Redis everything is allowed here,
    because no letter goes out by then (`judge`)."""
    try:
        return _window(settings.REDIS_URL).hit(cap, kind, name)
    except StorageError:
        logger.warning("Redis does not answer, so sign-ups are not counted")
        return True


# --- when a letter goes out ----------------------------------------------------------------
def judge(to: str, kind: str) -> Verdict:
    """Whether a letter of this kind may go to this address now; if so, it is counted.

    Ask once for a letter, however often it is tried. Raises `CannotCount`.
    """
    mailbox = addresses.abuse_key(to)
    of_mailbox = [(A_MONTH, kind, mailbox), (A_DAY, kind, mailbox)]
    of_all = [(RateLimitItemPerHour(settings.CONFIRMATIONS_PER_HOUR), "letters", "all")]
    domain = addresses.parse(to).domain
    if domain not in addresses.COMMON_DOMAINS:  # there the many are many people
        of_all.append((RateLimitItemPerHour(settings.SIGNUPS_PER_DOMAIN), "domain", domain))
    window = _window(settings.REDIS_URL)
    try:
        if not all(window.test(cap, *names) for cap, *names in of_mailbox):
            return Verdict.NEVER
        if not all(window.test(cap, *names) for cap, *names in of_all):
            return Verdict.LATER
        # The mailbox last: of two workers with two letters to it, one must lose.
        is_allowed = [window.hit(cap, *names) for cap, *names in (*of_all, *of_mailbox)]
    except StorageError as error:
        raise CannotCount from error
    return Verdict.GO if all(is_allowed) else Verdict.LATER


@cache
def _window(redis_url: str) -> MovingWindowRateLimiter:
    """The counter. Its patience is short, because somebody may be waiting for a page."""
    # A socket has another name here than in the broker's address.
    url = redis_url.replace("redis+socket:", "redis+unix:").replace("virtual_host=", "db=")
    storage = RedisStorage(
        url,
        key_prefix="broadsheet",
        wrap_exceptions=True,
        socket_timeout=1,
        socket_connect_timeout=1,
    )
    return MovingWindowRateLimiter(storage)
