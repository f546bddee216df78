"""Any SMTP server, whose bounces come back by mail (``digest.bounces``)."""

from digest.delivery.mail_services.base import Traits
from digest.delivery.mail_services.bounces import Bounces

# What the reader's own server said decides. The reports of another one, to which that passed the
# mail on, are no final word about the reader's address.
_BOUNCES = Bounces(final=[{"action": {"failed"}, "is_own": {"true"}}])

TRAITS = Traits(name="smtp", bounces=_BOUNCES)
