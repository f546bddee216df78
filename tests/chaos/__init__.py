"""The send guarantee under fire: real workers, and everything around them that can break.

``python -m tests.chaos`` plays rounds. Each sends one edition to fresh readers while workers are
killed, Redis is emptied, PostgreSQL crashes and the mail server misbehaves. Then it compares the
rows with the mail server's ledger. ``faults`` holds what can happen, ``sink`` the mail server and
``oracle`` what must hold in the end; ``load`` creates the readers, ``processes`` and ``servers``
run everything, and ``rounds`` puts it together.
"""
