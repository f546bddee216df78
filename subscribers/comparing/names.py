"""Compares names of people, as readers type them and as papers print them. Pure.

"J. Doe", "Jane Doe", "Doe, Jane" and "Jane A. Doe" may be one person, "Jane A. Doe" and "Jane B.
Doe" are two. A single word stands for all who bear it as a part of their name. So a name is more
often found than missed; where it is found, the reader is shown how the paper prints it.

A printed name has `keys`, and a typed one is `wanted` under some: they match if they share one.
That is a question that a database's index answers, too.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from .letters import plain

# More words are no name.
_MOST_WORDS = 8
# Whatever a source prints as a name, its keys are few, and short enough for an index.
_MOST_PRINTED = 12
_LONGEST = 60
_SPLIT = re.compile(r"[\W_]+")
_SUFFIX = re.compile(r"[,\s]+(?:jr|sr|ii|iii|iv|ph\.?d|m\.?d|msc)\.?(?=,|$)", re.IGNORECASE)
_TITLE = re.compile(r"^(?:(?:dr|prof|professor|mr|mrs|ms)\.?\s+)+(?=\S+\s)", re.IGNORECASE)
# How German writes these letters where it has no dots. "Michael" and "Rafael" are no such names.
_DOTTED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_UNDOTTED_GIVEN, _UNDOTTED = re.compile("([ou])e"), re.compile("([aou])e")
# Stands for a middle name that is not there.
_NONE = "-"


def keys(name: str) -> frozenset[str]:
    """Return all under which the printed name can be found."""
    words = _words(name)
    whole = [word for word in words if _is_whole(word)]
    found = {*whole, _together(words)}
    found.update(
        first + second
        for first, second in pairwise(words)
        if _is_whole(first) and _is_whole(second)
    )
    if len(words) > 1:
        first, last, middle = words[0], words[-1], _middle(words)
        # The dot marks that only the initial is known.
        for given in (first[0], first if len(first) > 1 else f"{first}."):
            found |= {f"{given} {last}", f"{given} {middle} {last}"}
    return frozenset(found - {""})


@lru_cache(maxsize=5000)
def wanted(name: str) -> frozenset[str]:
    """Return the keys of which a printed name must have one to match the typed name.

    Empty if it can match none: it is no name, or a single initial.
    """
    words = _words(name)
    if not words or not (_is_whole(words[0]) or words[1:]) or len(words) > _MOST_WORDS:
        return frozenset()
    others = _words(name.casefold().translate(_DOTTED)), _without_dots(words)
    return frozenset(
        key for one in (words, *others) for key in _wanted(one, is_one=_is_one_word(name))
    )


def _without_dots(words: list[str]) -> list[str]:
    """Return "Joerg Mueller" as "Jorg Muller", which is what "Jörg Müller" is compared by."""
    given = [_UNDOTTED_GIVEN.sub(r"\1", word) for word in words[:-1]]
    return [*given, _UNDOTTED.sub(r"\1", words[-1])]


def _wanted(words: list[str], *, is_one: bool) -> set[str]:
    found = {_together(words)}
    if len(words) > 1 and not is_one:
        first, last, middle = words[0], words[-1], _middle(words)
        for given in [first] if len(first) == 1 else [first, f"{first[0]}."]:
            if middle == _NONE:
                found.add(f"{given} {last}")
            else:
                found |= {f"{given} {middle} {last}", f"{given} {_NONE} {last}"}
    return found


def is_match(typed: str, printed: str) -> bool:
    """Return whether the typed name may be the printed one."""
    return not wanted(typed).isdisjoint(keys(printed))


def is_same(typed: str, printed: str) -> bool:
    """Return whether two names are the same but for case, accents and signs."""
    return _words(typed) == _words(printed)


def keys_of_all(names: Iterable[str]) -> list[str]:
    """Return the keys of all these printed names, without repeated ones."""
    return sorted({key for name in names for key in keys(name)})


def first_name_first(name: str) -> str:
    """Return "Lovelace, Ada" as "Ada Lovelace"; other names as they are."""
    last, _comma, first = name.partition(",")
    if not first.strip() or "," in first:
        return name
    return f"{first.strip()} {last.strip()}"


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case, the given name first."""
    name = first_name_first(_SUFFIX.sub("", _TITLE.sub("", name.strip())))
    words = _SPLIT.split(plain(name).replace("'", "").casefold())
    words = [word[:_LONGEST] for word in words if word]
    words = words[: _MOST_PRINTED - 1] + words[_MOST_PRINTED - 1 :][-1:]
    if not words or not _is_whole(words[0]):
        return words
    initials = len(words)
    while initials > 1 and len(words[initials - 1]) == 1 and not _is_whole(words[initials - 1]):
        initials -= 1
    # "Doe J A", as some lists print it.
    return words[initials:] + words[:initials]


def _together(words: list[str]) -> str:
    return "".join(words)[: 2 * _LONGEST]


def _middle(words: list[str]) -> str:
    return words[1][0] if len(words) > 2 else _NONE


def _is_whole(word: str) -> bool:
    """Return whether the word is more than an initial. In Chinese one character is a name."""
    return len(word) > 1 or word > "\u2e80"


def _is_one_word(name: str) -> bool:
    """Return whether a name is written as one: "Smith-Jones" is a family name."""
    return len(first_name_first(name.strip()).split()) == 1
