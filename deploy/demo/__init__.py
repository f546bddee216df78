"""``make demo``: all of Broadsheet at work on this machine, without set-up and without network.

In goes nothing but a folder for the data; out come a summary of what was sent and, unless
SERVE=0, a running site with a mailbox. Read in this order:

* ``__main__``   the steps, one after the other, and how the demo ends
* ``console``    what it prints: one line for each step
* ``ready``      whether its processes answer, and which port is free
* ``data``       what it keeps between two runs: keys, the run's number, the environment
* ``story``      readers who sign up, confirm, choose and leave, over HTTP like anyone else
* ``pages``      what a reader sees of a page: its form and its links
* ``report``     the summary, and whether the mailbox agrees with the database
* ``smtp``       the mail server that receives all mail;  ``mailbox``  the files it writes
* ``views``      /mailbox/, a Django app that only the demo installs

Sources, editions, ranking, tasks and delivery are the real ones. Production imports nothing
from here.
"""
