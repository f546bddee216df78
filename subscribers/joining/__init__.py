"""How an address comes in: it asks, a letter goes there, and its owner confirms.

In: an `Address` somebody entered, or a `Link` from a letter. Out: a `Subscriber`, the letters that
must go out, and `Consent` rows that prove what was agreed to.

Read ``signup`` first (ask, confirm, refuse), then ``address_change`` (the same for a reader who
moves to another address). ``abuse`` holds the rate limits that protect other people's mailboxes,
``captcha`` the optional proof of work.
"""
