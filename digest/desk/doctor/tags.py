"""The syntax that DKIM's records and signatures and DMARC's records share (RFC 6376 §3.2)."""

import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def tags_of(text: str) -> dict[str, str]:
    """The tags by name, in order. Raises ValueError, with the tag's name, for wrong syntax."""
    found: dict[str, str] = {}
    for part in text.strip().removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name) or name in found:
            raise ValueError(name[:20])
        found[name] = value.strip()
    return found


def items(value: str) -> list[str]:
    """The items of a tag's value, which colons separate."""
    return [item.strip().lower() for item in value.split(":") if item.strip()]
