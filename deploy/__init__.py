"""Configuration and start-up: settings, URLs, Celery and WSGI; `make run`; the demo.

In goes the environment (``.env``); out come the running processes. Read in this order:

* ``env``        reads and checks environment variables;  ``env.example`` documents them
* ``settings``   Django's settings;  ``urls``, ``celery``, ``wsgi`` the entry points
* ``examples``   refuses the example's keys;  ``limits``  how large a request may be
* ``guard``      refuses requests that no page can use;  ``webhooks``  anymail's, guarded
* ``login``      the admin's, which counts attempts;  ``sessions``  stored by hash
* ``watching``   probes, log lines and reports of errors;  ``monitoring`` rules for Prometheus
* ``keeping``    backups, restores, migrations on a live system, upgrades
* ``installing`` writes .env (`manage.py make_env`)
* ``web``        the site's server
* ``running``    forks the site, the clock and the workers from one process;  ``run``, `make run`
* ``children``   child processes that end with this one
* ``processes``  Broadsheet's own processes, started one by one
* ``servers``    PostgreSQL and Valkey as child processes, for the demo and the tests
* ``demo``       `make demo`

This package may import anything. Nothing imports it: use ``django.conf.settings``.
"""

import gc

# Loading makes hundreds of thousands of objects that stay, and so does a batch of digests. With
# Python's own limit (700) the collector would look through them again and again: a sixth of the
# time that either takes.
gc.set_threshold(50_000)

from deploy.celery import app as celery_app  # noqa: E402  # so that all use the same broker

__all__ = ["celery_app"]
