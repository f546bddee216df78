"""Where mails are read, and where those are put aside that nobody could read.

MAIL_BOUNCES_MAILBOX names it by a URL; ``base`` says what each kind can do. ``imap`` and
``maildir`` put mails aside in a folder of their own beside the others; POP3 has no folders, so
``aside`` keeps them on this host.
"""

from urllib.parse import urlsplit

from . import imap, maildir, pop3
from .base import CannotRead, Mailbox

__all__ = ["CannotRead", "Mailbox", "opened"]


def opened(url: str) -> Mailbox:
    """The mailbox with this URL, a context manager. Raises `CannotRead` when it is entered."""
    parts = urlsplit(url)
    if parts.scheme == "maildir":
        return maildir.Folder(parts.path)
    return pop3.Account(parts) if parts.scheme.startswith("pop3") else imap.Account(parts)
