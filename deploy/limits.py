"""How large a request may be, by the beginning of its path: for the server and for the middleware.

A body is read before anybody knows who sent it, so there is a limit before every page. The pages
below are longer than others because somebody with a link or a password uses them.
"""

_KB = 1000
# The longest matching beginning counts.
_MOST_BYTES = {
    "/": 64 * _KB,
    # Preferences hold long lists of words, and a library is uploaded there. The page itself says
    # what is too long; the server only keeps the rest out.
    "/p/": 4_000 * _KB,
    "/admin/": 2_000 * _KB,
    # Inbound mail comes with its attachments.
    "/webhooks/": 30_000 * _KB,
}
MOST_BYTES = max(_MOST_BYTES.values())


def most_bytes(path: str) -> int:
    """Return how many bytes the body of a request to this path may have."""
    matching = [start for start in _MOST_BYTES if path.startswith(start)]
    return _MOST_BYTES[max(matching, key=len, default="/")]
