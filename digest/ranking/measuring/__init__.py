"""How good a ranking is, measured on what real people picked. Nothing here serves readers.

In: rows of papers, and rows of readers with the papers they picked. Out: `Measurement` values for
our digests and for rankings.

For each reader and each day on which they picked something, the papers of that day are ranked by
what the reader had picked before, or the digest is composed that they would have been sent
(``choosing.rehearsal``, with the code that sends). The picks of the day should come first. Nothing
of the day or later is known: neither picks nor how rare words are. Intervals are over readers.

To avoid overfitting, the constants in ``digest.ranking`` were chosen on one half of the readers
alone (by a hash of their names); the first half of their days is the *tuning* part, on which
``fit_ranking`` chooses. Reported are the *held-out* part, which is the other readers on the later
days, and all cases together.

Read in this order: ``collection`` turns the rows into cases, ``baselines`` ranks them as others do,
and ``evaluation`` scores rankings and digests. The command ``evaluate_ranking`` prints the result.

Topics are apart from that: ``subjects`` tells which papers belong to which starter topic,
``learning`` learns weights of words from it (``fit_topics``), and ``agreeing`` compares the matches
with it (``evaluate_topics``).
"""
