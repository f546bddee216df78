"""How good a ranking is, measured on what real people picked. Nothing here serves readers.

In: rows of papers, and rows of readers with the papers they picked. Out: `Measurement` values for
our ranking and for others.

For each reader and each day on which they picked something, the papers of that day are ranked by
what the reader had picked before. The picks of the day should come first. Our ranking runs the
code that digests are made with.

To avoid overfitting, the constants in ``digest.ranking`` were chosen on the *tuning* part alone:
one half of the readers (by a hash of their names), on the first half of the days. Reported are
the *held-out* part, which is the other readers on the later days, and all cases together.

Read in this order: ``collection`` turns the rows into cases, ``ours`` and ``baselines`` rank
them, and ``evaluation`` scores the rankings. The command ``evaluate_ranking`` prints the result.
"""
