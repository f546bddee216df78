from django.contrib.admin.apps import SimpleAdminConfig


class DeskConfig(SimpleAdminConfig):
    """Django's admin, with the desk as its site.

    ``deploy.urls`` has it look for what is to be shown, so only processes that serve pages load it.
    """

    default_site = "digest.desk.site.DeskSite"
