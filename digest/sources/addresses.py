"""Which addresses may be requested: http or https, on the public Internet."""

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from .base import SourceError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_UNICAST = ipaddress.IPv6Network("2000::/3")
# What IANA has given a purpose of its own since, or what older Pythons take for public:
# https://www.iana.org/assignments/iana-ipv4-special-registry and …-ipv6-special-registry.
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24"),
            *("192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "240.0.0.0/4"),
            *("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"),
        ),
    )
)


def is_public(address: IPAddress) -> bool:
    """Whether the address is on the open Internet.

    Private, local, multicast and reserved addresses are not, and neither are IPv6 addresses
    that wrap an IPv4 address of such a kind.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address not in _UNICAST or address.sixtofour or address.teredo:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast


def shown(url: str) -> str:
    """Return the address as logs may show it: a query or a user name may be a secret."""
    parts = split(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"[:200]


def split(url: str) -> SplitResult:
    """Return the parts of an address. Raises SourceError for an address we never request."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise SourceError("An address cannot be read: correct it.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SourceError(
            f"An address is not requested: {parts.scheme or 'no scheme'} is not http or https."
        )
    if not parts.netloc.isascii():
        raise SourceError(
            f"An address is not requested: write its host {parts.hostname} in ASCII (xn--…)."
        )
    return parts


def checked(parts: SplitResult, is_allowed: Callable[[IPAddress], bool]) -> IPAddress:
    """Look the host up and return one of its addresses, preferably IPv4.

    Raises SourceError if the host is unknown or `is_allowed` rejects any of its addresses.
    """
    host = str(parts.hostname)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceError(
            f"The host {host} is not found. It will be looked up again; if this persists, check "
            "the address and this machine's name server."
        ) from error
    addresses = [ipaddress.ip_address(row[4][0]) for row in found]
    if not all(is_allowed(address) for address in addresses):
        raise SourceError(
            f"The host {host} is not requested: its address belongs to this machine or a private "
            "network. Only public addresses are read."
        )
    return min(addresses, key=lambda address: address.version)
