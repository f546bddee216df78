"""Which papers for whom, on plain values: no Django and no database in this room.

``tfidf`` says what a paper is about: how well it fits the words of each topic. ``rank`` orders
the papers of an edition for a whole batch of readers at once.
"""
