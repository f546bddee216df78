"""The wall around a staging installation: with MAIL_ONLY_TO, nobody else gets any mail.

Where the setting is given, Django makes each of its mail backends here (``deploy.settings.mail``),
so whatever sends goes through: digests, letters, messages to operators, and what is written later.
What is turned away raises, so nothing of it counts as sent. Digests and letters do not come as far:
they are skipped and given up before, with a reason.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.module_loading import import_string

WHY = "Nobody who is not in MAIL_ONLY_TO gets mail from this installation."


class NotListed(ValueError):
    """The mail is for somebody who is not on the list. Nothing was sent."""


def is_listed(address: str) -> bool:
    """Whether mail to this address may leave: it or its domain is listed, or there is no list."""
    if not settings.MAIL_ONLY_TO:
        return True
    address = address.lower()
    return not {address, address.rpartition("@")[2]}.isdisjoint(settings.MAIL_ONLY_TO)


class EmailBackend:
    """The backend `behind` the wall, or the one that MAIL_BACKEND names."""

    def __new__(cls, *args: Any, behind: str = "", **options: Any) -> Any:
        return _walled(import_string(behind or settings.MAIL_BACKEND))(*args, **options)


@cache
def _walled(backend: type) -> type:
    return type(backend.__name__, (_Wall, backend), {"__module__": backend.__module__})


class _Wall:
    """Mixed into a backend, whose attributes stay as they are."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> Any:
        for message in messages:
            if not all(map(is_listed, map(_bare, message.recipients()))):
                raise NotListed(WHY)
        return super().send_messages(messages)  # type: ignore[misc]  # a mixin


def _bare(recipient: str) -> str:
    """The address of a recipient that may have a name before it."""
    return recipient.rpartition("<")[2].rstrip("> ")
