"""Import and export of readers in the admin, over ``subscribers.importing``.

A file comes in pieces, which the database keeps (``uploads``); a worker checks it, and imports it
once an operator has seen what would happen; the page shows how far it is. In go a file and what is
said about it: which system wrote it, what its columns are, and on what basis its people have
consented. Out come readers, a report of each row, and an entry in the history, which can be undone.

* ``forms``    what an operator says about a file
* ``words``    what becomes of rows, in words
* ``sending``  the requests with which a browser sends a file
* ``pages``    the views
"""
