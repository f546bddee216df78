"""What an operator runs to set a machine up.

* ``make_env``  writes .env: makes the keys and asks for the rest (`manage.py make_env`)
* ``make_secrets``  makes the keys and passwords of compose.yaml at its first start
* ``doctor``    says what is not right yet (`manage.py doctor`)
* ``reference`` writes SETTINGS.md (`make settings`);  ``audited`` says what `make audit` found
* ``management``  the commands that need settings: `manage.py invite_owner`, `manage.py doctor`

The first two read no ``deploy.settings``, which do not load yet.
"""
