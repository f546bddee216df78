"""Webhooks that we send: other programs are told what happened.

In: rows of `Call`, written with what they tell of (``digest.models.outside``). Out: signed
requests, an `Attempt` for each, and endpoints that are left alone while they fail.

Each notice arrives at least once, usually in the order in which things happened, and another copy
has the same id. What fails is tried again after 30 seconds, twice as long each time, up to an hour
apart, for three days. An endpoint that takes nothing for three days is switched off, and *Today*
says so.

* ``signing``: secrets, and the headers of Standard Webhooks (https://www.standardwebhooks.com).
* ``posting``: one careful POST, to a public address.
* ``calling``: takes an endpoint's calls in turn, and stores what became of them.
* ``noting``:  finds runs that are over, and forgets what is old.
"""
