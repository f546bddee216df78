"""The database is down: connections of this process go to a port where nothing listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from django.db import connection


@contextmanager
def no_database() -> Iterator[None]:
    """Use it in a test with `django_db(transaction=True)`, outside a transaction."""
    before = deepcopy(connection.settings_dict)
    connection.close()
    options = connection.settings_dict["OPTIONS"]
    for name in ("host", "port", "hostaddr"):
        options.pop(name, None)
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": "1"}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict |= before
