"""The person page: one reader's whole story, and what an operator can do for them.

In goes a reader's number or address; out comes the answer to "why did she not get it?", then what
the reader wants, and all that has happened, newest first. No page has an address in its own.

* ``answers``  what became of a digest and why, and when the next one comes, each in a sentence
* ``story``    everything that happened, from all tables by one query, a page at a time
* ``words``    acts, events and reasons in words
* ``acts``     what the buttons do, each with its permission, safe to press twice
* ``pages``    the views
"""
