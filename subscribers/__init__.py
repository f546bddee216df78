"""The people: who asked for digests, what they want, and who must not be written to.

This app knows nothing about papers and digests; ``digest`` imports it, never the reverse.
In: forms, links that readers open, mails to the unsubscribe mailbox, bounces and complaints
(``digest`` reports those). Out: `Subscriber` rows with their preferences and `next_due_at`,
suppressions, and a few letters such as the confirmation.

A subscriber is pending until they confirm, then active, and unsubscribed once they leave::

    sign-up form ─► joining.signup ─► letters ─► link in the mail ─► joining.signup.confirm
                                                                            │ active
    preferences page ─► wishes.preferences ─► wishes.schedule: next_due_at ◄┘
    unsubscribe page, one click, mail ─► leaving.unsubscribe        complaint ─► leaving.suppression
    erase page ─► leaving.erasing: only keyed hashes remain

Read in this order:

* ``models``: the tables. ``addresses``: parsing, comparing and hashing an address.
* ``links``: the tokens behind every link in a mail. ``letters``: mails about the subscription
  itself, sent from an outbox table.
* ``joining``: signing up, confirming, moving to another address, and protection from abuse.
* ``wishes``: preferences, followed and muted words, and when the next digest is due.
* ``leaving``: unsubscribing, suppressing an address, erasing a reader. ``export``: the reader's
  own data as a file. ``importing``: readers of other systems as CSV, and ours.
* ``forms`` and ``views``: the public pages. ``urls`` lists them all.
* ``admin``, ``checks``, ``context``, ``receivers``, ``tasks``: where Django, Celery and anymail
  call in. ``database``: plain SQL, the database's clock, and what only one may do.

``joining`` and ``leaving`` may use ``wishes``; ``joining`` may use ``leaving``; none of them uses
``letters``, ``forms`` or ``views``.
"""
