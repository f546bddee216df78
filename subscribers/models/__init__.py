"""The tables of this app.

Read ``subscriber`` first (who, and their preferences), then ``topic`` and ``term`` (what they
follow), ``consent`` and ``suppression`` (what was agreed to, and who gets no mail), ``link`` and
``letter`` (how we reach them), ``imported`` (files of other systems), ``latch`` (who is at work).
In: nothing but Django. Out: models without mail or HTTP.
"""

from .consent import Consent
from .imported import Import, ImportFile, ImportPiece, ImportRow
from .latch import Latch
from .letter import Letter
from .link import Link
from .subscriber import Subscriber, SubscriberQuerySet
from .suppression import Suppression
from .term import Term
from .topic import Subscription, Topic

__all__ = [
    "Consent",
    "Import",
    "ImportFile",
    "ImportPiece",
    "ImportRow",
    "Latch",
    "Letter",
    "Link",
    "Subscriber",
    "SubscriberQuerySet",
    "Subscription",
    "Suppression",
    "Term",
    "Topic",
]
