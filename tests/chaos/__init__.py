"""The send guarantee under fire: several days of real sending, and everything that can break.

``python -m tests.chaos`` plays rounds. In each of them, readers in several time zones get their
digests for some days, papers come in time, late or not at all, and editions close; meanwhile
workers are killed, PostgreSQL crashes, mail services misbehave, and readers leave, pause and move.
In the end the mail service's ledger and the rows are compared with what should have happened.

Real are the workers, the beats and their processes, PostgreSQL (with synchronous commit switched
off on the server, which the product must not rely on), Valkey, the sockets, all waiting, and the
product's settings in every second round (except that a tick comes every second). Simulated is the
time between two things that happen: when nothing is left to do, the wall clocks of all processes
and of PostgreSQL are set forward to the next thing (``clock``). Hence a back-off of an hour takes
its hour by the product's clocks, but a second of ours; nothing is ever cleared away, but for a hold
without an end, which an operator releases in the admin some time later.

A mail is told apart by its recipient and the time at which it arrived, never by an id of ours.

``readers`` are the readers, ``load`` the papers, ``faults`` what can happen, and ``disasters`` what
does once: a dump is restored that was made in the middle of a run, and workers of an earlier
version (``CHAOS_EARLIER``, a commit) run beside ours for a while; ``processes`` and
``servers`` run everything; ``mail`` are the mail services; ``rounds`` prepares a round, ``course``
lets time pass, and ``oracle`` gives the ``verdict``.
"""
