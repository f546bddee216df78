"""The public pages: the papers of closed editions by day, by topic, one by one, and by search.

In: closed editions with their papers, votes and topics. Out: pages, feeds and sitemaps that are
the same for everybody. Nothing here knows a reader or writes to the database, and nothing here
imports ``digest.readers``, which builds its own pages on this package.

In the order to read: ``archive`` selects papers and ``searching`` finds them; ``listings`` makes
them presentable in a list, and ``charts`` draws a paper's votes; ``views`` makes the pages;
``feeds`` and ``sitemaps`` are the same papers for programs.
"""
