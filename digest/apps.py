from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy


class DigestConfig(AppConfig):
    name = "digest"
    verbose_name = gettext_lazy("Digests")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("digest.checks")
        import_module("digest.readers.export")
        import_module("digest.receivers")
        # After Django's own, which makes the permissions.
        post_migrate.connect(_make_roles, sender=self)


def _make_roles(**_: Any) -> None:
    """Grant what an upgrade has added; a migration could not, since permissions come after it."""
    import_module("digest.desk.access.roles").apply()
