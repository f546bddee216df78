"""Access: who may do what at the desk, and how operators prove who they are.

* ``roles``     the table of what each role may; Django's groups follow from it
* ``secrets``   what is stored of a second factor, and what is not
* ``factors``   an operator's second factors: adding one, asking for one, taking them away
* ``passkeys``  the answers of browsers, which a library judges (WebAuthn)
* ``visits``    what a session is allowed: how long it lasts, and whether a factor is missing
* ``attempts``  how often somebody may try, such that nobody is locked out by others
* ``invitations``  the one-time link of the first owner
* ``pages``     an operator's own page, where they add and remove their factors
"""
