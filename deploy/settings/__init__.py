"""Broadsheet's settings: the same for development, tests and production, one file a subject.

Everything that differs between installations comes from the environment through
``deploy.env``. ``deploy/env.example`` documents the variables.
"""

import os

import django_stubs_ext

from .delivery import *
from .logs import *
from .mail import *
from .papers import *
from .retention import *
from .security import *
from .services import *
from .site import *
from .watching import *

# The arrays of a batch of readers are small, so numpy's threads would only take time from other
# workers. numpy reads this when it is imported, which happens later.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
django_stubs_ext.monkeypatch()  # so that ModelAdmin[Paper] also works at run time
