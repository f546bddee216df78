"""How doubt is resolved: digests that the mail service may have, or may not.

In go digests that are UNCERTAIN; out they come as

    uncertain ──the service shows it──────────────► sent
        │    ──the service surely lacks it────────► ready
        │    ──the service recognises its key──► sending ──► sent, or uncertain again
        └─── none of these, for long ──► assumed sent (``handover.sweep``)

``look_up`` asks the service, ``retry`` hands over once more under the same key. At any time the
service's own events may settle a digest, too. Doubt remains a state of its own to the end: if a
digest in doubt were made READY for a second attempt, a change of the mail service, an expired key
or a refusal would turn it into two mails or a false "failed".
"""

from collections import Counter

from digest.delivery import routing
from digest.delivery.limits.deadline import deadline

from .look_up import look_up
from .retry import retry

__all__ = ["resolve"]


def resolve(*, seconds: float) -> Counter[str]:
    """Settle digests in doubt for up to `seconds`, each at the mail service that was given it.

    `seconds` must be below ``retry.KEY_MARGIN``. Returns how many digests entered each state. Those
    of a service that is no longer configured are left alone: a digest in doubt is never handed to a
    second service. Any number of processes may run this at once, on any host, and be killed at any
    moment. Call it outside a transaction.
    """
    is_over = deadline(seconds)
    states: Counter[str] = Counter()
    for name in routing.names():
        backend = routing.connection_to(name)
        states += look_up(name, backend, is_over=is_over)
        if idempotent_for := getattr(backend, "idempotent_for", None):
            states += retry(name, idempotent_for, is_over=is_over)
    return states
