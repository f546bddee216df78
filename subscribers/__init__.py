"""The people: who asked for mail, what they asked for, and who must not be written to.

In the order of a reader's life: ``signup`` → ``letters`` (the confirmation) → ``preferences``
→ ``schedule`` → ``unsubscribe`` → ``suppression``. Knows nothing of papers and digests.
"""
