"""How large a request may be, by the beginning of its path: for the server and for the middleware.

A body is read before anybody knows who sent it, so there is a limit before every page. The pages
below are longer than others because somebody with a link or a password uses them.
"""

import re

_KB = 1000
# The longest matching beginning counts.
_MOST_BYTES = {
    "/": 64 * _KB,
    # Preferences hold long lists of words, and a library is uploaded there. The page itself says
    # what is too long; the server only keeps the rest out.
    "/p/": 4_000 * _KB,
    "/admin/": 2_000 * _KB,
    # Programs want an answer in JSON, even to what no form could hold.
    "/api/": 128 * _KB,
    # Events come in batches.
    "/webhooks/": 5_000 * _KB,
}
# Inbound mail comes with its attachments.
_INBOUND = re.compile(r"/webhooks/\w+/inbound")
MOST_BYTES = 30_000 * _KB


def most_bytes(path: str) -> int:
    """Return how many bytes the body of a request to this path may have."""
    if _INBOUND.match(path):
        return MOST_BYTES
    matching = [start for start in _MOST_BYTES if path.startswith(start)]
    return _MOST_BYTES[max(matching, key=len, default="/")]
