"""The version of the mail templates, stored with each digest.

A digest in doubt may be handed over again only as the very same message, so it has to be known
whether the templates have changed since. Computing the version from the files means that nobody
can forget to raise it.
"""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings

# The length of the column Digest.template_version.
_LENGTH = 12
# All that decides the bytes of a mail except for the papers, the reader and the settings.
_SOURCES = (
    "templates/digest/mail/*.html",
    "templates/digest/mail/*.txt",
    "templates/digest/mail/*.css",
    "templates/locale/*/LC_MESSAGES/django.mo",
    "digest/mail/*.py",
    "digest/choosing/reasons.py",
    "digest/papers/cards.py",
    "digest/papers/checking.py",
    "digest/papers/claims.py",
    "digest/papers/excerpts.py",
    "digest/papers/sentences.py",
    "digest/sources/keys.py",
    "digest/sources/registry.py",
    "digest/sources/text.py",
    "subscribers/links/*.py",
)


@cache
def template_version() -> str:
    """Returns the version of the files as they are when a process first asks for it."""
    return version_of(settings.BASE_DIR)


def version_of(folder: Path) -> str:
    """Returns 12 hexadecimal digits: the same for the same files below `folder`, on any host."""
    digest = sha256()
    for path in sorted(_files(folder)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()[:_LENGTH]


def _files(folder: Path) -> Iterable[Path]:
    return (path for pattern in _SOURCES for path in folder.glob(pattern))
