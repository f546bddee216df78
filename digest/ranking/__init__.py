"""Which papers for whom, on plain values: no Django and no database in this room.

``tfidf`` says how well a paper fits the words of each topic. ``features`` are what a paper is
about, ``space`` how alike two papers are, ``taste`` what a reader's votes make of that, and
``overlap`` which papers say the same. ``rank`` orders the papers of an edition for a whole batch
of readers at once. ``trending`` is the order for everybody, ``interleaving`` compares two
rankings on real readers, and ``evaluation``, with ``baselines``, on what people picked.
"""
