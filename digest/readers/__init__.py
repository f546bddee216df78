"""What readers do once they have a digest, and what they can ask about themselves.

In: the links in a digest (to read it on the web, to vote, to open a paper), the pages "Papers you
like" and "Rate a few papers", and a request for one's own data. Out: pages, votes, muted topics and
authors, and clicks, which `digest.choosing` learns from.

In the order to read: ``votes``, ``mutes`` and ``clicks`` store what a reader says about papers.
``bibliography`` reads a reader's own library, and ``examples`` turns picks and libraries into
votes. ``ratings`` asks about the papers that tell most of a new reader's taste. ``export`` adds
all of it to the download of what we know about a reader. ``views`` holds the pages, one module for
each. Reading goes through ``digest.site``, which never imports this package.
"""
