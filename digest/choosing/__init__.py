"""Which papers go into each reader's digest, and why.

In: `Request` values (one for each digest that is due) and the papers of closed editions. Out: a
`Composed` value for each request, with paper ids and reasons, or with the reason why there is
nothing to send. Nothing is written to the database here.

Read in this order: ``composing`` runs the other modules for a batch of readers. ``ledger`` says
what readers were already sent. ``interests`` reads what they asked for, ``candidates`` and
``candidate_index`` prepare the papers (with ``keywords`` to search their text), and ``arrays``
puts the two together for ``digest.ranking``. ``selection`` turns the result into what a digest
stores, with ``reasons`` for the reason codes and their words. ``trial`` compares two rankings on
real readers. ``rehearsal`` composes digests of the past, to be measured.
"""
