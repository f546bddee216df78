"""Facts about single mail services, one module for each.

In go an exception, a raw event, or a digest in doubt; out come an outcome, what the event says
about the address, or what the service says it has. Read ``base`` and ``bounces`` first; ``smtp`` is
the backend for any SMTP server, the other modules here and in ``tables`` are named after the
service they are about.

A new service: a module with its `TRAITS`, and its place in ``tables`` or in `_KNOWN` below. A
service that anymail knows and this package does not is treated by its HTTP status codes alone, and
its bounces count as soft.
"""

from . import amazon_ses, brevo, postmark, resend, tables
from .base import Doubtful, LookUp, Traits

__all__ = ["Doubtful", "LookUp", "Traits", "traits_of"]

_KNOWN = {
    traits.name: traits
    for traits in (
        amazon_ses.TRAITS,
        brevo.TRAITS,
        brevo.OLD_TRAITS,
        postmark.TRAITS,
        resend.TRAITS,
        *tables.TRAITS,
    )
}


def traits_of(name: str) -> Traits:
    """The traits of the service that anymail calls `name`; without any for one not known here."""
    return _KNOWN.get(name) or Traits(name=name)
