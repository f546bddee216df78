"""The keywords and authors that a reader follows or mutes."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from subscribers.comparing import names, phrases
from subscribers.models import Subscriber, Term

MOST = 50
LONGEST = 80

# Control characters, and marks that change the direction of the text around them.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class InvalidTerms(ValueError):
    """The text is not a valid list of terms. The message is for the reader."""


def key(text: str) -> str:
    """Return the term in the form used for comparing: no case, no accents, single spaces."""
    return " ".join(folded(text).split())[:LONGEST]


def folded(text: str) -> str:
    """Return the text without case and accents."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def parse(lines: str) -> list[str]:
    """Return the keywords in a text with one per line, without duplicates.

    Raises `InvalidTerms`, also for a word that no paper or nearly every paper has.
    """
    return _parse(lines, _check_keyword)


def parse_authors(lines: str) -> list[str]:
    """Like `parse`, for names. "Lovelace, Ada" becomes "Ada Lovelace", as papers print it."""
    turned = "\n".join(names.first_name_first(line) for line in lines.splitlines())
    return _parse(turned, _check_author)


def is_same(kind: Term.Kind, text: str, other: str) -> bool:
    """Return whether two terms of a kind stand for the same papers."""
    if kind == Term.Kind.AUTHOR:
        return names.is_same(text, other)
    return phrases.is_same(text, other)


def _parse(lines: str, check: Callable[[str], None]) -> list[str]:
    terms: dict[str, str] = {}
    for line in lines.splitlines():
        if text := _tidy(line):
            check(text)
            terms.setdefault(key(text), text)
    if len(terms) > MOST:
        said = ngettext("Enter at most %(most)d line.", "Enter at most %(most)d lines.", MOST)
        raise InvalidTerms(said % {"most": MOST})
    return list(terms.values())


def replace(
    subscriber: Subscriber, kind: Term.Kind, *, followed: Iterable[str], muted: Iterable[str]
) -> None:
    """Replace the subscriber's terms of this kind. A term in both lists is muted."""
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
    """Mute an author, even one the reader has followed. Safe to repeat."""
    Term.objects.update_or_create(
        subscriber=subscriber,
        kind=Term.Kind.AUTHOR,
        key=key(name),
        defaults={"text": name[:LONGEST], "is_muted": True},
    )
    subscriber.mark_changed()


def unmute_author(subscriber: Subscriber, name: str) -> None:
    """Undo whatever mutes an author. One whom the reader follows stays followed."""
    theirs = Term.objects.filter(subscriber=subscriber, kind=Term.Kind.AUTHOR, is_muted=True)
    theirs.filter(pk__in=[one.pk for one in theirs if names.is_match(one.text, name)]).delete()
    subscriber.mark_changed()


def texts_of(subscriber: Subscriber) -> Mapping[tuple[str, bool], Sequence[str]]:
    """Return the reader's terms by (kind, is_muted), in the order in which they were entered."""
    found: dict[tuple[str, bool], list[str]] = {}
    for term in Term.objects.filter(subscriber=subscriber).order_by("pk"):
        found.setdefault((term.kind, term.is_muted), []).append(term.text)
    return found


def _tidy(line: str) -> str:
    """Return the line as it is stored, or "" if it is empty. Raises `InvalidTerms`."""
    text = " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", line)).split())
    if len(text) > LONGEST:
        raise InvalidTerms(
            _("“%(beginning)s…” is too long. Use at most %(longest)d characters per line.")
            % {"beginning": text[:30], "longest": LONGEST}
        )
    return text


def _check_keyword(text: str) -> None:
    if phrases.says_nothing(text):
        raise InvalidTerms(_("“%(text)s” contains no letters or numbers.") % {"text": text})
    if phrases.is_everywhere(text):
        raise InvalidTerms(
            _("“%(text)s” is in nearly every paper. Use a word that fewer papers have.")
            % {"text": text}
        )


def _check_author(text: str) -> None:
    if not names.wanted(text):
        raise InvalidTerms(
            _("“%(text)s” is not a name. Enter at least a family name, one name per line.")
            % {"text": text}
        )
