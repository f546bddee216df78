"""Operators with a few permissions, for the tests of the desk's pages."""

from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from subscribers.models import Subscriber


def operator(*permissions: str) -> Client:
    """A browser in which somebody with only these permissions, as ``app.codename``, has signed in.

    One that nothing defines yet is made.
    """
    user = User.objects.create_user(f"operator{User.objects.count()}", is_staff=True)
    for name in permissions:
        app, codename = name.split(".")
        found = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
        user.user_permissions.add(found or _new(codename))
    client = Client()
    client.force_login(user)
    return client


def _new(codename: str) -> Permission:
    kind = ContentType.objects.get_for_model(Subscriber)
    return Permission.objects.create(content_type=kind, codename=codename, name=codename)
