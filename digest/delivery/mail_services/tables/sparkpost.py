"""SparkPost."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces
from digest.delivery.outcomes import Meaning

# https://support.sparkpost.com/docs/deliverability/bounce-classification-codes
_HARD = {"10", "30"}
_BLOCKED = {"25", "50", "51", "52", "53", "54"}
_BOUNCES = Bounces(
    hard=[
        {
            "msys.message_event.type": {"bounce", "out_of_band"},
            "msys.message_event.bounce_class": _HARD,
        }
    ],
    blocks=[{"msys.message_event.bounce_class": _BLOCKED}],
)

# https://developers.sparkpost.com/api/index.html#header-errors
_REFUSALS = {
    "7001": Meaning.US,
    "HTTP 401": Meaning.US,
    "HTTP 403": Meaning.US,
    "HTTP 404": Meaning.US,
    "HTTP 405": Meaning.US,
    "HTTP 409": Meaning.DOUBT,
    "HTTP 420": Meaning.US_FOR_NOW,
    "HTTP 429": Meaning.US_FOR_NOW,
}

TRAITS = Traits(name="SparkPost", refusals=_REFUSALS, bounces=_BOUNCES)
