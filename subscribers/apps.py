from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class SubscribersConfig(AppConfig):
    name = "subscribers"
    verbose_name = gettext_lazy("Readers")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("subscribers.checks")
        import_module("subscribers.receivers")
