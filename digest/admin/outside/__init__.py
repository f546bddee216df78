"""Other people's programs: the keys by which they call us, and the URLs that we call."""

from . import calls, endpoints, tokens

__all__ = ["calls", "endpoints", "tokens"]
