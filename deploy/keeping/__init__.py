"""What keeps an installation through the years: backups, restores, migrations, upgrades.

* ``programs``   PostgreSQL's client programs, whichever there are, and how they reach the database
* ``backups``    `manage.py backup`: a file with all that cannot be made again
* ``restores``   `manage.py restore FILE`, after which nothing is sent (``delivery.restored``)
* ``migrating``  `manage.py migrate`, which never makes writers wait for long
* ``upgrading``  `make upgrade`: hold, back up, install, migrate, restart, release

An application of Django, for its commands' sake; it has no models.
"""
