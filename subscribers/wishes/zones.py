"""Time zones: the same on every system, and no reader's zone that stops anything.

Systems differ in the names they know: newer ones lack old names such as Asia/Calcutta, which
browsers still tell us. So zones come from the package tzdata alone, which has them all.
"""

import logging
import zoneinfo
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

logger = logging.getLogger(__name__)

# Nothing but the package is searched.
zoneinfo.reset_tzpath(to=())


@cache
def names() -> frozenset[str]:
    """Every name that a zone has or had."""
    return frozenset(zoneinfo.available_timezones())


def current_name(name: str) -> str:
    """What the zone of this name is called today; the name itself if it is not an old one.

    Systems that tell upper case from lower take no other spelling, and some let people type it.
    """
    known = name if name in names() else _DROPPED.get(name) or _spellings().get(name.lower(), name)
    return _old_names().get(known, known)


@lru_cache(maxsize=1000)
def zone_of(name: str) -> ZoneInfo:
    """The time zone, or UTC if there is none of this name: one reader's zone must not stop others.

    `ZoneInfo` itself remembers eight zones and reads a file for any other.
    """
    for known in (name, current_name(name)):
        try:
            return ZoneInfo(known)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            continue
    logger.error("There is no time zone %r; UTC is used instead.", name)
    return ZoneInfo("UTC")


# Names that are in no release of the time zone database any more.
_DROPPED = {
    "US/Pacific-New": "America/Los_Angeles",
    "Canada/East-Saskatchewan": "America/Regina",
}


@cache
def _spellings() -> dict[str, str]:
    return {name.lower(): name for name in sorted(names())}


@cache
def _old_names() -> dict[str, str]:
    """Today's name by old name: of names that are links to another, and that no country uses."""
    folder = resources.files("tzdata.zoneinfo")
    lines = (folder / "tzdata.zi").read_text(encoding="utf-8").splitlines()
    links = {old: new for _, new, old in (line.split() for line in lines if line[:2] == "L ")}
    table = (folder / "zone.tab").read_text(encoding="utf-8").splitlines()
    used = {line.split("\t")[2] for line in table if not line.startswith("#")}
    regions = {name.partition("/")[0] for name in used} | {"US", "Canada", "Brazil", "Mexico"}
    return {
        old: links.get(new, new)
        for old, new in links.items()
        if old not in used and old.partition("/")[0] in regions
    }
