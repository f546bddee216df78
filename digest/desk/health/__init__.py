"""How things stand, for programs: ``readiness`` for `/ready`, ``metrics`` for Prometheus.

In goes a `Standing` (see ``desk.today``); out come a few values in JSON, and figures in the text
format of Prometheus. Both work while the database or Redis is down, and say so.
"""
