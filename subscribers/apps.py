from importlib import import_module

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    name = "subscribers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("subscribers.checks")
        import_module("subscribers.receivers")
