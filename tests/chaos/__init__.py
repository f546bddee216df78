"""The send guarantee under fire: real workers, and everything around them that can break.

``python -m tests.chaos`` runs rounds; each sends one edition to fresh readers while workers are
killed, Redis forgets, PostgreSQL crashes and the mail server misbehaves, and then compares the
rows with the ledger that the mail server kept. ``faults`` holds what can happen, ``sink`` the
mail server, ``oracle`` what must hold in the end, and ``rounds`` puts them together.
"""
