from importlib import import_module

from django.apps import AppConfig


class DigestConfig(AppConfig):
    name = "digest"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("digest.checks")
        import_module("digest.readers.export")
        import_module("digest.receivers")
