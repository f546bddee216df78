"""Delivery: every digest handed to the mail service once, or known not to have been.

A digest's way, with the state it is in (the arrows of ``leases``):

    ready ──claim──► ready, leased ──mark_sending──► sending ──record──► sent, failed, ready …
      ▲                   │                             │
      └── lease expired ──┘                             └── lease expired ──► uncertain

``plan`` makes the rows of those who are due; ``leases`` holds the statements above, all by the
database's clock; ``service`` speaks to the mail service; ``policy`` says what an exception
means; ``run`` puts them in order.
"""
