"""Following an author from their public page.

The page knows no reader. It offers the author's name, signed: whoever comes with it to the sign-up
form, or to the page behind a reader's own link, gets a name that one of our pages says, and nobody
can have us say another.
"""

from django.core import signing
from django.db.models import QuerySet

from subscribers.models import Subscriber, Term

from . import terms

_SIGNER = signing.Signer(salt="subscribers.wishes.following")
# A name and its signature.
LONGEST = 4 * terms.LONGEST


def offer(name: str) -> str:
    """Return the author's name, signed; "" for a name that nobody can follow."""
    try:
        known = terms.parse_authors(name)
    except terms.InvalidTerms:
        return ""
    return _SIGNER.sign(known[0]) if len(known) == 1 else ""


def offered(said: str) -> str:
    """Return the name that was offered like that; "" if it was not."""
    try:
        return str(_SIGNER.unsign(said[:LONGEST]))
    except signing.BadSignature:
        return ""


def is_followed(subscriber: Subscriber, name: str) -> bool:
    return _of(subscriber, name).filter(is_muted=False).exists()


def follow(subscriber: Subscriber, name: str) -> bool:
    """Follow an author, even a muted one. Returns False if the reader follows too many. Safe to
    repeat."""
    theirs = Term.objects.filter(subscriber=subscriber, kind=Term.Kind.AUTHOR, is_muted=False)
    if not is_followed(subscriber, name) and theirs.count() >= terms.MOST:
        return False
    Term.objects.update_or_create(
        subscriber=subscriber,
        kind=Term.Kind.AUTHOR,
        key=terms.key(name),
        defaults={"text": name[: terms.LONGEST], "is_muted": False},
    )
    subscriber.mark_changed()
    return True


def _of(subscriber: Subscriber, name: str) -> QuerySet[Term]:
    key = terms.key(name)
    return Term.objects.filter(subscriber=subscriber, kind=Term.Kind.AUTHOR, key=key)
