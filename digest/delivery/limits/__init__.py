"""Limits: how many digests may go, to whom, how fast, and when to stop.

In go the digests of a chunk; out come those that may go now, at which pace, and how long the others
wait. Read ``gate`` first, which asks all the others: ``rates`` (messages a second and a day),
``providers`` (mailbox providers that want to be left alone), ``breaker`` (when too much goes wrong)
and ``holds`` (stopping a mail service).
"""
