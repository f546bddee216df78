"""From the world's papers to one reader's inbox.

In the order of the flow: ``sources`` → ``intake`` → ``editions`` → ``press`` and ``interests``
→ ``ranking`` → ``composing`` → ``rendering`` → ``delivery`` → ``events``. The edges that start
it are ``tasks``, ``management``, ``admin`` and ``receivers``.
"""
