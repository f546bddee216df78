"""How things stand, each module a subject: small values, read in a few quick queries.

In go the rows and Redis; out come dataclasses for the page *Today*, the alerts and the metrics.
No query reads more than a bounded part of a table: large numbers come from ``models.counts``.

``standing`` takes it all at once; read it first. ``run``, ``sources``, ``machinery`` (with
``broker``, what Redis knows) and ``services`` are what it looks at; ``attention`` says what of it
is a ``trouble`` and needs a person. ``page`` adds ``readers``, ``topics`` and ``charts``.
"""
