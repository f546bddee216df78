"""How words and names are compared, the same for all that readers say about papers.

In: texts as people write them, names of models and methods among them ("Qwen2.5", "C++", "β-VAE"),
and names of people. Out: what followed and muted words, followed and muted authors, and the site's
search compare. Pure.

In the order to read: ``letters`` makes spellings of a letter one; ``tokens`` takes a text apart;
``plurals`` folds words; ``phrases`` finds keywords in texts, and ``fulltext`` writes the same
tokens for PostgreSQL; ``names`` compares people's names.
"""
