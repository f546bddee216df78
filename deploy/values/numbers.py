"""Numbers as operators write them: decimal digits and a point, nothing else."""

import re

# Enough for any setting, and small enough for every counter and clock.
MOST = 1_000_000_000
# The mailbox providers that have names, as in ``digest.delivery.limits.providers``.
_PROVIDERS = frozenset(
    {"apple", "gmx", "google", "microsoft", "netease", "proton", "qq", "vk", "yahoo", "yandex"}
)


def integer(text: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`, both included."""
    if not re.fullmatch(r"-?[0-9]{1,12}", text) or not least <= int(text) <= most:
        raise ValueError(f"it must be a whole number from {least} to {most}, not {text[:50]!r}")
    return int(text)


def decimal(text: str, least: float, most: float) -> float:
    """A number from `least` to `most`, both included."""
    is_number = re.fullmatch(r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?", text)
    if not is_number or not least <= float(text) <= most:
        raise ValueError(f"it must be a number from {least} to {most}, not {text[:50]!r}")
    return float(text)


def rate(text: str) -> float:
    """A number above zero."""
    found = decimal(text, 0, MOST)
    if found == 0:
        raise ValueError("it must contain numbers above zero")
    return found


def whole(number: float) -> int:
    """A number without a fraction."""
    if number != int(number):
        raise ValueError(f"it must contain whole numbers, not {number}")
    return int(number)


def provider(name: str) -> str:
    """The name of a mailbox provider, or a domain, in lower case."""
    if name not in _PROVIDERS and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", name):
        raise ValueError(f"{name[:80]!r} is no provider or domain")
    return name
