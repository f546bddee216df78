"""Who carries the letters, and what can become of one.

How the answers of mail services are to be understood is known to the delivery of the digests, which
this app does not import. So the setting LETTER_CARRIER names the class.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Protocol

from anymail.message import AnymailMessage
from django.conf import settings
from django.utils.module_loading import import_string


class Fate(Enum):
    SENT = "sent"
    REFUSED = "refused for good"
    LATER = "refused for now"
    KEPT = "kept back: this letter, which lost nothing by it"
    HELD = "held: the mail service takes no letter at all"
    DOUBT = "may have gone out"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a letter. `detail` holds no address; `wait` is for KEPT and HELD."""

    fate: Fate
    detail: str = ""
    wait: timedelta = timedelta(minutes=1)


class Carrier(AbstractContextManager["Carrier"], Protocol):
    """A connection to the mail service. Use it in one thread."""

    def is_ready(self) -> Answer | None:
        """Open the connection. Returns None, or why nothing can be carried now: HELD."""

    def carry(self, message: AnymailMessage) -> Answer:
        """Hand over one message, after `is_ready` said None. Raises nothing."""


def new_carrier() -> Carrier:
    """The carrier that the settings name, not opened yet."""
    carrier: Carrier = import_string(settings.LETTER_CARRIER)()
    return carrier
