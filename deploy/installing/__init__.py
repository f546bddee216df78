"""What an operator runs once, before there are settings.

* ``make_env``  writes .env: makes the keys and asks for the rest (`manage.py make_env`)

Nothing here reads ``deploy.settings``, which do not load yet.
"""
