"""The names of authors, as feeds write them: all in one text, surname first, with addresses. Pure.

"Lovelace, A., Babbage, C. J." becomes "A. Lovelace" and "C. J. Babbage".
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

# Nobody writes more names into one element; the limit stops an endless text.
_LONGEST = 100_000
_ADDRESS = re.compile(r"<[^<>\s]{0,300}>|(?:mailto:)?[^\s@<>(),;]{1,100}@[^\s@<>(),;]{1,200}")
_ASIDE = re.compile(r"\s?[(\[][^()\[\]]{0,200}[)\]]")
_LABEL = re.compile(r"^(?:by|authors?|author\(s\))\s*:?\s+", re.IGNORECASE)
_AND = re.compile(r",?\s+(?:and|&)\s+")
_OTHERS = re.compile(r",?\s*\bet\s+al\b\.?", re.IGNORECASE)
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.[\s-]?){1,5}|(?:[A-Z]{1,3}|[A-Z](?:[\s-][A-Z]){1,3})")
_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV)\.?")
_DEGREE = re.compile(r"(?:Ph\.?\s?D|M\.?D|M\.?Sc|Dr)\.?", re.IGNORECASE)
_NOTES = re.compile(r"[\s\d*†‡§¶,]+$")
# Where names are written without a space, two of them are two people.
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def names_in(texts: Iterable[str]) -> Iterator[str]:
    """Yield the names in the texts, given name first, without addresses and affiliations."""
    for text in texts:
        yield from filter(None, map(_tidy, _names(_bare(text[:_LONGEST]))))


def surname(name: str) -> str:
    """Return the last name in "Ada Lovelace", "A. Lovelace", "Lovelace A" and "Lovelace, Ada",
    without case and accents, and without "de la" or "van"."""
    words = name.partition(",")[0].split() if "," in name else _without_ends(name.split())
    letters = unicodedata.normalize("NFKD", words[-1] if words else "").casefold()
    return re.sub(r"[\W_]+", "", letters)


def _without_ends(words: list[str]) -> list[str]:
    """Return the words without initials and "Jr." at the end, if a word is left."""
    while len(words) > 1 and (_INITIALS.fullmatch(words[-1]) or _SUFFIX.fullmatch(words[-1])):
        words = words[:-1]
    return words


def _bare(text: str) -> str:
    """Return the text without addresses. A name may stand in brackets behind one."""
    text = " ".join(text.split())
    found = _ADDRESS.search(text)
    if found and not text[: found.start()].strip(" ,;") and "(" in text[found.end() :]:
        text = text[found.end() :].strip(" ()")
    text = _ASIDE.sub("", _ADDRESS.sub("", text))
    return _OTHERS.sub("", _LABEL.sub("", text)).strip(" ,;")


def _names(text: str) -> Iterator[str]:
    if re.search("[;；、|]", text):
        for part in re.split("[;；、|]", text):
            yield from _listed(_AND.sub("", part, count=1) if part.startswith(" and ") else part)
        return
    for part in _AND.split(text):
        yield from _listed(part)


def _listed(text: str) -> Iterator[str]:
    """Yield the names in a text that has nothing but commas between them."""
    parts = [part.strip() for part in re.split("[,，]", text) if part.strip()]
    parts = list(_with_suffixes(part for part in parts if not _DEGREE.fullmatch(part)))
    if _is_in_pairs(parts):
        for last, first in zip(parts[::2], parts[1::2], strict=True):
            yield f"{first} {last}"
    else:
        yield from parts


def _with_suffixes(parts: Iterable[str]) -> Iterator[str]:
    held = ""
    for part in parts:
        if held and _SUFFIX.fullmatch(part):
            part = f"{held} {part}"
            held = ""
        if held:
            yield held
        held = part
    if held:
        yield held


def _is_in_pairs(parts: list[str]) -> bool:
    """Whether the parts are surnames, each followed by its given names."""
    if len(parts) % 2 or not parts or any(map(_CJK.search, parts)):
        return False
    lasts, firsts = parts[::2], parts[1::2]
    if all(_INITIALS.fullmatch(first) for first in firsts):
        return not any(_INITIALS.fullmatch(last) for last in lasts)
    if len(parts) == 2:
        return " " not in firsts[0] or " " not in lasts[0] or lasts[0][0].islower()
    return all(" " not in part for part in parts)


def _tidy(name: str) -> str:
    return _NOTES.sub("", name).strip(" ,;:")
