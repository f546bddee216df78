"""``make demo``: Broadsheet at work on this machine, with nothing to set up and no network.

Read in this order:

* ``__main__``   the acts, one after the other, and how it ends
* ``stage``      where they are told: one calm line each
* ``processes``  the children: start, readiness, and stopping in good order
* ``data``       what the demo keeps between two runs: keys, the run's number, the environment
* ``story``      readers who sign up, confirm, choose and leave, over HTTP like anybody
* ``pages``      what a reader sees of a page: its form and its links
* ``report``     the summary, and whether the mailbox agrees with the database
* ``smtp``       the mail server that all mail goes to;  ``mailbox``  the files it writes
* ``views``      /mailbox/, a Django app that is installed only here

Sources, editions, ranking, tasks and delivery are the real ones.
"""
