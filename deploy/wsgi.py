"""The entry point of the web process: ``deploy.web``, or another server behind a proxy."""

import os

from django.core.wsgi import get_wsgi_application

from deploy.guard import readable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

application = readable(get_wsgi_application())
