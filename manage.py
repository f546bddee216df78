#!/usr/bin/env python
"""Django's command line, with Broadsheet's settings."""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from deploy.installing import make_env

# These measure on files alone. They read the example's settings, and no .env.
MEASURING = {"evaluate_ranking", "evaluate_topics", "fit_ranking", "fit_topics"}

if __name__ == "__main__":
    if sys.argv[1:2] == ["make_env"]:  # there are no settings yet
        sys.exit(make_env.main(sys.argv[2:]))
    if sys.argv[1:] and sys.argv[1] in MEASURING:
        os.environ["ENV_FILE"] = str(Path(__file__).with_name("deploy") / "env.example")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"✗ {error}")
