"""Limits: how many digests may go, to whom, how fast, and when to stop.

In go the digests of a chunk; out come those that may go now, at which pace, and how long the others
wait. Read ``gate`` first, which asks the others: ``rates`` (messages a second and a day),
``rotation`` (whose turn it is if a day's quota is too small) and ``providers`` (mailbox providers
that want to be left alone). ``breaker`` says when too much goes wrong, ``refusals`` when those of
many readers are one of us, ``memory`` when the database has forgotten what was sent, and ``holds``
stops a mail service. ``lines`` counts a run's open connections, ``places`` bounds how many tasks
send, and ``deadline`` says how long.
"""
