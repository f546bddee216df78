"""What becomes of the rows of a file, in words."""

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from subscribers.importing.entries import IGNORED
from subscribers.importing.systems import Wish
from subscribers.models import ImportRow

# What each judgement means, and why (``subscribers.importing.staging.WHAT``).
_ADD, _LEFT = gettext_lazy("added"), gettext_lazy("kept as somebody who has left")
_SUPPRESS, _NOTHING = gettext_lazy("suppressed"), gettext_lazy("left out")
OUTCOMES: Mapping[str, tuple[Promise, Promise]] = {
    "added": (_ADD, gettext_lazy("has consented")),
    "left": (_LEFT, gettext_lazy("has left the other system")),
    "bounced": (_SUPPRESS, gettext_lazy("mail to the address bounced")),
    "complained": (_SUPPRESS, gettext_lazy("has complained")),
    "blocked": (_SUPPRESS, gettext_lazy("was blocked there")),
    "reader_active": (_NOTHING, gettext_lazy("is a reader already")),
    "reader_pending": (_NOTHING, gettext_lazy("has signed up here, but not confirmed")),
    "reader_unsubscribed": (_NOTHING, gettext_lazy("has left here")),
    "duplicate": (_NOTHING, gettext_lazy("stands in the file more than once")),
    "suppressed": (_NOTHING, gettext_lazy("is suppressed here")),
    "erased": (_NOTHING, gettext_lazy("was erased here")),
    "gone": (_NOTHING, gettext_lazy("was a reader here and is not any more")),
    "no_basis": (_NOTHING, gettext_lazy("no basis of consent was stated")),
    "unconfirmed": (_NOTHING, gettext_lazy("has not confirmed there")),
    "unknown": (_NOTHING, gettext_lazy("the state is not known")),
    "nothing": (_NOTHING, gettext_lazy("the state is missing")),
    "invalid": (_NOTHING, gettext_lazy("this is no address")),
    "no_address": (_NOTHING, gettext_lazy("there is no address")),
    "ragged": (_NOTHING, gettext_lazy("there are more cells than columns")),
    "too_long": (_NOTHING, gettext_lazy("the row is too long")),
    "quote": (_NOTHING, gettext_lazy("a quote is not closed")),
}
# What an undone import adds to its counts.
UNDONE: Mapping[str, Promise] = {
    "removed": gettext_lazy("readers removed again"),
    "stayed": gettext_lazy("readers stayed, because they have acted since"),
    "lifted": gettext_lazy("suppressions lifted again"),
}
# The fields that a column may be, as operators call them.
FIELDS: Mapping[str, Promise] = {
    "email": gettext_lazy("address"),
    "state": gettext_lazy("state"),
    "is_subscribed": gettext_lazy("is subscribed: yes or no"),
    "is_left": gettext_lazy("has left: yes or no"),
    "left_at": gettext_lazy("left at"),
    "left_because": gettext_lazy("why they left"),
    "bounced_at": gettext_lazy("bounced at"),
    "suppressed": gettext_lazy("why suppressed"),
    "confirmed_at": gettext_lazy("consented at"),
    "topics": gettext_lazy("topics"),
    "zone": gettext_lazy("time zone"),
    "hour": gettext_lazy("hour"),
    "frequency": gettext_lazy("frequency"),
    "weekday": gettext_lazy("weekday, 0 to 6"),
    "length": gettext_lazy("papers in a digest"),
    "language": gettext_lazy("language"),
    "is_exploring": gettext_lazy("one paper off the path: true or false"),
    "paused_until": gettext_lazy("paused until"),
    "keywords": gettext_lazy("words"),
    "muted_keywords": gettext_lazy("muted words"),
    "authors": gettext_lazy("authors"),
    "muted_authors": gettext_lazy("muted authors"),
}

# What a row says about its person.
SAYS: Mapping[str, Promise] = {
    Wish.ACTIVE: gettext_lazy("active"),
    Wish.LEFT: gettext_lazy("has left"),
    Wish.BOUNCED: gettext_lazy("bounced"),
    Wish.COMPLAINED: gettext_lazy("complained"),
    Wish.BLOCKED: gettext_lazy("blocked"),
    Wish.UNCONFIRMED: gettext_lazy("not confirmed"),
    Wish.UNKNOWN: gettext_lazy("unknown"),
    Wish.NOTHING: gettext_lazy("nothing"),
}


def outcomes(counts: Mapping[str, int]) -> Sequence[tuple[str, Promise, Promise, int]]:
    """How many rows of each judgement, the most frequent first: its name, what, why, and number."""
    known = [(name, *OUTCOMES[name], counts[name]) for name in counts if name in OUTCOMES]
    return sorted(known, key=lambda row: -row[3])


def in_words(row: ImportRow) -> tuple[str, str, str, str]:
    """What becomes of a row, why, what the file says, and the note, in the operator's language."""
    what, why = OUTCOMES[row.judgement]
    return str(what), str(why), str(SAYS.get(row.says, row.says)), _note(row.note)


def _note(stored: str) -> str:
    """A row's note, which is stored in English."""
    if not stored.startswith(IGNORED):
        return gettext(stored) if stored else ""
    names = stored.removeprefix(IGNORED).split(", ")
    fields = ", ".join(str(FIELDS.get(name, name)) for name in names)
    return gettext("ignored: %(fields)s") % {"fields": fields}


def undone(counts: Mapping[str, int]) -> Sequence[tuple[Promise, int]]:
    return [(words, counts[name]) for name, words in UNDONE.items() if name in counts]
