"""The public pages. GET and HEAD show, POST acts.

None of them sets or reads a cookie, and so none needs Django's token against cross-site
requests. On the pages behind a link the token in the path is the right to act, and another
site does not have it. The sign-up form is open to everybody; that no foreign page sends it
from a visitor's browser is seen from the headers that browsers add by themselves.
"""

from .api import challenge as api_challenge
from .api import signup as api_signup
from .change import change_address, confirm_address
from .confirm import confirm, refuse, refused
from .data import erase, erased, export
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
    "frame",
    "frame_sent",
    "front",
    "refuse",
    "refused",
    "set_preferences",
    "signup",
    "unsubscribe",
]
