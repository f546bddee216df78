"""Operators of each role, as browsers in which they have logged in."""

from django.contrib.auth.models import Group, User
from django.test import Client

from digest.desk.access import roles


def user_of(role: str, name: str = "") -> User:
    """A user with this role; with none, if it is empty."""
    roles.apply()  # a test that empties the tables also empties the groups
    user = User.objects.create_user(name or f"the-{role or 'guest'}", is_staff=True)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
