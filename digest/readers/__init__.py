"""What readers do once they have a digest, and what they can ask about themselves.

In: the links in a digest (to read it on the web, to vote, to save or open a paper), the pages
"Papers you like" and "Rate a few papers", and a request for one's own data. Out: pages, saved
papers, and what `digest.choosing` learns from: votes, muted topics and authors, and clicks.

In the order to read: ``votes``, ``mutes`` and ``clicks`` store what a reader says about papers, and
``effects`` says what a vote changed. ``rest`` ranks the papers that a digest left out, and
``preview`` composes one by preferences that are not saved. ``saved`` keeps papers.
``bibliography`` reads a reader's own library, and ``examples`` turns picks and libraries into
votes. ``ratings`` asks about the papers that tell most of a new reader's taste. ``export`` adds
all of it to the download of what we know about a reader. ``views`` holds the pages, one module for
each. Reading goes through ``digest.site``, which never imports this package.
"""
