"""Leaving safe mode: what to do about the digests that a restored database knows nothing of.

In goes what somebody says: until when digests had gone out. Out comes a database that can send:

    due by then, not known to be sent ──the service can be asked──► uncertain (``doubt`` asks it)
                                      ──else──────────────────────► assumed sent

``limits.memory`` finds out that a database is an older one, and enters safe mode; while that lasts,
each host tells its mark and applies again what it noted of those who stopped the mail. A digest is
never knowingly sent twice, so whoever got none by the time that is said loses one day; its papers
may come again. Letters that were waiting go out again: the links in the first copies were stored
after the backup, so they do not work any more, and a second letter does no harm.
"""

from .settling import CannotSettle, go_on, latest, proposal, say

__all__ = ["CannotSettle", "go_on", "latest", "proposal", "say"]
