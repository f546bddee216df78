"""Facts about single mail services, one module for each.

In go an exception, a raw event, or a digest in doubt; out come an outcome, "soft or hard", or what
the service says it has. Read ``base`` first; ``smtp`` is the backend for any SMTP server, the other
modules are named after the service they are about.

A new service: a module with its `TRAITS`, and its line in `_KNOWN` below. A service that anymail
knows and this package does not is treated by its HTTP status codes alone.
"""

from . import amazon_ses, brevo, mailersend, mandrill, postmark
from .base import Doubtful, LookUp, Traits

__all__ = ["Doubtful", "LookUp", "Traits", "traits_of"]

_KNOWN = {
    module.TRAITS.name: module.TRAITS
    for module in (amazon_ses, brevo, mailersend, mandrill, postmark)
}


def traits_of(name: str) -> Traits:
    """The traits of the service that anymail calls `name`; without any for one not known here."""
    return _KNOWN.get(name) or Traits(name=name)
