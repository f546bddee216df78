"""How a reader stops the mail, and how we make sure it stays stopped.

In: a `Subscriber` and the act by which they leave, or the hash of an address. Out: a changed
state, a `Consent` row for each act, and `Suppression` rows.

Read ``unsubscribe`` first (by page, one click or mail, and undoing it), then ``suppression``
(addresses that get no mail, whoever asks), then ``erasing``. Digests already waiting need no
clean-up: consent is checked again just before each hand-over.
"""
