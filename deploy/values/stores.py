"""Where mail arrives: a mailbox on an IMAP or POP3 server, or a Maildir on this host."""

from urllib.parse import unquote

from .places import host, split

_SCHEMES = {f"{protocol}{way}" for protocol in ("imap", "pop3") for way in ("", "+tls", "+ssl")}


def mail_store(text: str) -> str:
    """``imap+ssl://user:password@host/Folder``, ``pop3+ssl://…`` or ``maildir:///path``, as it is.

    ``+ssl`` is TLS from the first byte, ``+tls`` STARTTLS. Raises ValueError.
    """
    if text.startswith("maildir:"):
        path = text.removeprefix("maildir://")
        if not path.startswith("/") or "//" in path or not path.strip("/"):
            raise ValueError("it must look like maildir:///var/mail/bounces")
        return text
    parts = split(text, _SCHEMES)
    host(parts.hostname or "")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user or not password or not (user + password).isprintable():
        raise ValueError("it needs a user and a password")
    if parts.query or (parts.scheme.startswith("pop3") and parts.path.strip("/")):
        raise ValueError("nothing but an IMAP folder may follow the host")
    if not unquote(parts.path).isprintable() or '"' in unquote(parts.path):
        raise ValueError("its folder has characters that no folder has")
    return text
