"""Tells operators when something begins to need them, and when it is well again; each once.

In go the troubles of ``desk.today.attention``; out go mails to OPERATORS_MAIL and posts to
ALERTS_WEBHOOK_URL. A process of its own looks (``manage.py watch``), and keeps what it has told in
a file, so it works while the database, Redis or the workers do not.

``memory`` is that file and what is to be told next, without any input or output of its own; read it
first. ``telling`` says it, in each of the ways there are. ``watching`` does both again and again.
"""
