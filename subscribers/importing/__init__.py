"""Readers from other systems, as CSV, and our own readers as CSV.

In: a file that another newsletter system wrote, or our own `exporting`. Out: `Subscriber` rows that
are due at their regular hour, each with a `Consent` that names its `Import`; suppressions; and for
every row of the file what became of it and why. Nobody who is suppressed, was erased or has left
comes back, whatever a file says, and no reader we have is changed.

* ``reading``: bytes become rows, whatever the encoding and the separator.        (no Django)
* ``systems``: which system wrote the file, and what its columns and states mean. (no Django)
* ``entries``: a row becomes an `Entry`: an address, what to do with it, and preferences.
* ``staging``: entries in a temporary table, judged against what we know, by PostgreSQL.
* ``storing``: judged entries become readers, by the batch. ``run``: all of it in order.
* ``uploads``: files that operators upload in the admin, in pieces that the database keeps.
* ``working``: what a worker does with them: the dry run, the import, undoing one.
* ``undoing``: removes who came with an import and has not acted since.
* ``exporting``: our readers as CSV, which can be imported again.
"""
