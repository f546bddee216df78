from .consent import Consent
from .letter import Letter
from .link import Link
from .subscriber import Subscriber, SubscriberQuerySet
from .suppression import Suppression
from .term import Term
from .topic import Subscription, Topic

__all__ = [
    "Consent",
    "Letter",
    "Link",
    "Subscriber",
    "SubscriberQuerySet",
    "Subscription",
    "Suppression",
    "Term",
    "Topic",
]
