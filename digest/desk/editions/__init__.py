"""The edition desk: what operators make of an edition, and the control of its run.

In go an edition's day, a paper or a reader, and an operator's wish. Out come rows that ranking,
mails and pages go by, and values that the admin's pages show (``digest.admin.edition_desk``).
Everything that an operator does here is safe to do twice.

* ``steering``    pin, drop, annotate, reorder papers; each change is a row with a revision
* ``running``     hold, approve and close an edition; stop, pause and resume its run
* ``catching_up`` another try for those who missed an edition, and for what was refused
* ``candidates``  the papers of an edition as the desk lists them
* ``forecasts``   how many readers would get each paper, and how a run would go
* ``previews``    a digest as one reader would get it, or got it
* ``samples``     test mails to named addresses
* ``tasks``       makes forecasts in a worker, and gives the others another try
"""
