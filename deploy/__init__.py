"""How Broadsheet is put together and started: settings, URLs, Celery, WSGI, services.

This package may import anything; nothing imports it (use ``django.conf.settings``).
"""

from deploy.celery import app as celery_app  # so that every process rings the same broker

__all__ = ["celery_app"]
