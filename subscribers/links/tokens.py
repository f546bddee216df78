"""How tokens are written, and what is stored of them."""

import hashlib
from base64 import urlsafe_b64encode

from django.conf import settings

from subscribers.models import Link

# The paths are short because the unsubscribe link, with its <>, must fit into 77 characters. Newer
# mail libraries encode longer words in a header, and mail programs then show no unsubscribe button.
_PATHS = {
    Link.Purpose.CONFIRM: "c",
    Link.Purpose.REFUSE: "n",
    Link.Purpose.CHANGE: "a",
    Link.Purpose.PREFERENCES: "p",
    Link.Purpose.UNSUBSCRIBE: "u",
    Link.Purpose.READ: "d",
    Link.Purpose.VOTE: "v",
    Link.Purpose.SAVED: "s",
    Link.Purpose.FEED: "f",
}


def url(purpose: Link.Purpose, token: str) -> str:
    """Return the URL of the page for `purpose`. Pages for votes, digests and saved papers
    add to its path."""
    return f"{settings.SITE_URL}/{_PATHS[purpose]}/{token}"


def as_text(secret: bytes) -> str:
    """Encode for use in a URL. 22 characters are 128 bits or more, which nobody can guess."""
    return urlsafe_b64encode(secret).rstrip(b"=").decode()


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
