"""Delivery: every digest is handed to the mail service once, or is known not to have been.

In go readers who are due; out come messages at the mail service, and a state with its reason in
each digest's row. A digest's way through its states:

    ready ──claim──► ready, leased ──mark_sending──► sending ──record──► sent, failed, ready …
      ▲                   │                             │
      └── lease expired ──┘                             └── lease expired ──► uncertain

Read in this order: ``plan`` makes the rows of those who are due; ``leases`` claims them, for
``recipients``; ``run`` composes and renders what it has claimed and passes it in ``chunks`` to its
``sender`` threads; a sender marks, hands over and records (``handover``) through a ``connection``
of its own. On that way ``routing`` says which mail service, ``limits`` how many and how fast,
``outcomes`` what an exception means, ``mail_services`` what is particular to one service, and
``conditions`` who may be written to at all. Afterwards ``events`` takes what the service reports,
and ``doubt`` settles what can be settled of the uncertain. ``letters`` carries the letters about
subscriptions by the same rules.
"""
