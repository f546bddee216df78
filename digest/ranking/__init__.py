"""Which papers suit which reader, computed on plain values without Django or a database.

In: texts and votes of papers, and readers' interests as arrays. Out: how well papers fit topics,
how similar they are to each other, and the papers chosen for each reader of a batch, with what
each part added to their scores.

Read in this order: ``tfidf`` says how well a paper fits a topic, by its words and by what is
``learnt`` about it. ``features`` are what a paper is about, ``space`` computes how similar two
papers are, and ``overlap`` which papers report the same news. ``taste`` turns a reader's votes into
scores, and ``typical`` the topics and words that they follow; ``weights`` says how much each
counts. ``rank`` adds the scores up and says who gets how many papers of which kind, on the arrays
of ``batch``, and ``placing`` chooses them. ``trending`` is the order that is the same for
everybody, ``similar`` finds the papers close to one. ``asking`` chooses papers to ask a new reader
about. ``interleaving`` compares two rankings on real readers. The package ``measuring`` measures
rankings on what people picked, and is not used to serve readers.
"""
