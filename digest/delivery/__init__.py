"""Delivery: every digest handed to the mail service once, or known not to have been.

A digest's way, with the state it is in (the arrows of ``leases``):

    ready ──claim──► ready, leased ──mark_sending──► sending ──record──► sent, failed, ready …
      ▲                   │                             │
      └── lease expired ──┘                             └── lease expired ──► uncertain

``plan`` makes the rows of those who are due. ``run`` claims, composes and renders; each
``sender`` marks, hands over and records, a chunk at a time, with a connection of its own
(``service``, ``smtp``). The ``gate`` says how many may go and how fast (``limits``,
``providers``), and the ``breaker`` when to stop. ``leases`` holds the statements of the arrows
above, all by the database's clock; ``policy`` says what an exception means; ``doubt`` settles
what can be settled of the uncertain (``idempotency``).
"""
