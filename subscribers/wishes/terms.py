"""The keywords and authors that a reader follows or never wants to read of."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from subscribers.models import Subscriber, Term

MOST = 50
LONGEST = 80

# Controls, and marks that turn the direction of the text around them.
_UNSHOWN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class InvalidTerms(ValueError):
    """No list of terms. The text is for the reader."""


def key(text: str) -> str:
    """The term as it is compared: without case, accents, and more than one space at a time."""
    return " ".join(folded(text).split())[:LONGEST]


def folded(text: str) -> str:
    """The text without case and accents."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def parse(lines: str) -> list[str]:
    """The terms of a text with one on each line, each once. Raises `InvalidTerms`."""
    terms: dict[str, str] = {}
    for line in lines.splitlines():
        if text := _tidy(line):
            terms.setdefault(key(text), text)
    if len(terms) > MOST:
        said = ngettext("%(most)d line is the most.", "%(most)d lines are the most.", MOST)
        raise InvalidTerms(said % {"most": MOST})
    return list(terms.values())


def parse_authors(lines: str) -> list[str]:
    """The same for names. "Lovelace, Ada" is Ada Lovelace, as papers have it."""
    return parse("\n".join(_first_name_first(line) for line in lines.splitlines()))


def replace(
    subscriber: Subscriber, kind: Term.Kind, *, followed: Iterable[str], muted: Iterable[str]
) -> None:
    """Make these the subscriber's terms of this kind, and no other. What is in both is muted."""
    wanted = {
        key(text): Term(
            subscriber=subscriber, kind=kind, text=text, key=key(text), is_muted=is_muted
        )
        for texts, is_muted in ((followed, False), (muted, True))
        for text in texts
    }
    with transaction.atomic():
        Term.objects.filter(subscriber=subscriber, kind=kind).exclude(key__in=wanted).delete()
        Term.objects.bulk_create(
            wanted.values(),
            update_conflicts=True,
            unique_fields=["subscriber", "kind", "key"],
            update_fields=["text", "is_muted"],
        )


def mute_author(subscriber: Subscriber, name: str) -> None:
    """No more papers by the author, whom the reader may have followed. Safe to repeat."""
    Term.objects.update_or_create(
        subscriber=subscriber,
        kind=Term.Kind.AUTHOR,
        key=key(name),
        defaults={"text": name[:LONGEST], "is_muted": True},
    )


def unmute_author(subscriber: Subscriber, name: str) -> None:
    """Take `mute_author` back. An author who is followed stays so."""
    Term.objects.filter(
        subscriber=subscriber, kind=Term.Kind.AUTHOR, key=key(name), is_muted=True
    ).delete()


def texts_of(subscriber: Subscriber) -> Mapping[tuple[str, bool], Sequence[str]]:
    """The reader's terms by kind and whether they are muted, in the order they were given."""
    found: dict[tuple[str, bool], list[str]] = {}
    for term in Term.objects.filter(subscriber=subscriber).order_by("pk"):
        found.setdefault((term.kind, term.is_muted), []).append(term.text)
    return found


def _tidy(line: str) -> str:
    """The line as it is kept, or "" for an empty one. Raises `InvalidTerms`."""
    text = " ".join(_UNSHOWN.sub("", unicodedata.normalize("NFC", line)).split())
    if len(text) > LONGEST:
        raise InvalidTerms(
            _("“%(beginning)s…” is too long: write at most %(longest)d characters on a line.")
            % {"beginning": text[:30], "longest": LONGEST}
        )
    if text and not any(letter.isalnum() for letter in key(text)):
        raise InvalidTerms(_("“%(text)s” has no letter and no number.") % {"text": text})
    return text


def _first_name_first(line: str) -> str:
    last, comma, first = line.partition(",")
    return f"{first} {last}" if comma and first.strip() and "," not in first else line
