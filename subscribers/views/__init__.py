"""The public pages. GET and HEAD show something, only POST changes anything.

In: a request, often with a token in its path. Out: a page, after one call into ``joining``,
``wishes`` or ``leaving``.

No page sets or reads a cookie, so none needs Django's CSRF token. On pages behind a link, the token
in the path is the permission to act, and other sites do not have it. The sign-up form is open to
everybody; the headers that browsers add themselves show whether another site's page sent it.

Read in a reader's order: ``signup`` and ``api``, ``confirm``, ``preferences``, ``address``,
``data``, ``asking``, ``follow``, ``unsubscribe``. ``links`` and ``fresh_links`` hold what pages
with a token share, ``language`` and ``queueing`` two helpers.
"""

from .address import change_address, confirm_address
from .api import challenge as api_challenge
from .api import signup as api_signup
from .asking import get_link
from .confirm import confirm, refuse, refused
from .data import erase, erased, export
from .follow import follow
from .preferences import set_preferences
from .signup import check_inbox, embed, frame, frame_sent, front, signup
from .unsubscribe import unsubscribe

__all__ = [
    "api_challenge",
    "api_signup",
    "change_address",
    "check_inbox",
    "confirm",
    "confirm_address",
    "embed",
    "erase",
    "erased",
    "export",
    "follow",
    "frame",
    "frame_sent",
    "front",
    "get_link",
    "refuse",
    "refused",
    "set_preferences",
    "signup",
    "unsubscribe",
]
