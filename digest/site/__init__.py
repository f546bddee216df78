"""The public pages: the papers of closed editions by day, by topic, one by one, and by search.

In: closed editions with their papers, votes and topics. Out: pages, feeds and sitemaps that are
the same for everybody. Nothing here knows a reader or writes to the database, and nothing here
imports ``digest.readers``, which builds its own pages on this package.

In the order to read: ``periods`` are the days, weeks and months, and ``archive`` selects their
papers; ``searching`` finds papers; ``listings`` makes them presentable in a list, ``charts`` draws
a paper's votes, ``citing`` writes its reference, and ``sharing`` draws the picture for links to it;
``views`` makes the pages, with ``tags`` for their templates; ``pictures`` serves papers' pictures;
``feeds`` and ``sitemaps`` are the same papers for programs.
"""
