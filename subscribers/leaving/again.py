"""Applying again what a restored database has forgotten of those who stopped the mail."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from django.db import transaction

from subscribers import sign_offs
from subscribers.models import Consent, Subscriber, Suppression
from subscribers.sign_offs import SignOff
from subscribers.wishes import preferences

from .erasing import erase
from .suppression import suppress
from .unsubscribe import unsubscribe

logger = logging.getLogger(__name__)

# The hosts' clocks may differ by this much from the database's.
MARGIN = timedelta(minutes=5)
# What ends what, besides itself.
_ENDS = {
    sign_offs.BACK: {sign_offs.LEFT, sign_offs.ERASED, sign_offs.PAUSED},
    sign_offs.LIFTED: {sign_offs.SUPPRESSED},
    sign_offs.GOES_ON: {sign_offs.PAUSED},
}


def apply_again(known_until: datetime) -> Counter[str]:
    """Do again what this host has noted since the database knew of it. Returns how many of each
    kind were new to it; safe to repeat, on each host.

    The last word of each address counts. Whoever came back since is left as the backup has them.
    """
    last: dict[tuple[str, str], SignOff] = {}
    for one in sign_offs.since(known_until - MARGIN):
        for ended in _ENDS.get(one.what, ()):
            last.pop((one.address_hash, ended), None)
        if one.what in _AGAIN:
            last[one.address_hash, one.what] = one
    return Counter(one.what for one in last.values() if _apply(one))


@transaction.atomic
def _apply(one: SignOff) -> bool:
    """Do it, unless the database knows of something newer. Returns whether anything changed."""
    # Whoever joined, or came back, since the restore is not meant.
    newer = Consent.objects.filter(address_hash=one.address_hash, at__gt=one.at)
    try:
        return not newer.exists() and _AGAIN[one.what](one)
    except ValueError:
        # Another version wrote it. One line must not keep the others from being applied.
        logger.exception("A sign-off of %s cannot be read: %s:%s", one.at, one.what, one.detail)
        return False


def _reader(one: SignOff) -> Subscriber | None:
    return Subscriber.objects.filter(address_hash=one.address_hash).first()


def _leave(one: SignOff) -> bool:
    reader = _reader(one)
    return reader is not None and unsubscribe(reader, Consent.Act(one.detail), one.at)


def _erase(one: SignOff) -> bool:
    if (reader := _reader(one)) is None:
        return False
    erase(reader, one.at)
    return True


def _suppress(one: SignOff) -> bool:
    is_known = Suppression.objects.filter(address_hash=one.address_hash).exists()
    suppress(one.address_hash, Suppression.Reason(one.detail), one.at)
    return not is_known


def _pause(one: SignOff) -> bool:
    reader, until = _reader(one), date.fromisoformat(one.detail)
    if reader is None or reader.paused_until == until:
        return False
    preferences.change(reader, one.at, paused_until=until)
    return True


def _moved(one: SignOff) -> bool:
    """Nothing can be done about it, but an operator should know how many there are."""
    return _reader(one) is not None


_AGAIN: Mapping[str, Callable[[SignOff], bool]] = {
    sign_offs.LEFT: _leave,
    sign_offs.ERASED: _erase,
    sign_offs.SUPPRESSED: _suppress,
    sign_offs.PAUSED: _pause,
    sign_offs.MOVED: _moved,
}
