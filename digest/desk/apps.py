from django.apps import apps
from django.contrib.admin.apps import SimpleAdminConfig

from . import labels


class DeskConfig(SimpleAdminConfig):
    """Django's admin, with the desk as its site.

    ``deploy.urls`` has it look for what is to be shown, so only processes that serve pages load it.
    """

    default_site = "digest.desk.site.DeskSite"

    def ready(self) -> None:
        super().ready()
        for app in ("subscribers", "digest"):
            labels.use(apps.get_app_config(app).get_models())
