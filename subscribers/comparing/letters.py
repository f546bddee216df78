"""One spelling for letters that are written in several ways. Pure."""

import re
import unicodedata

# Letters that Unicode does not take apart, as they are typed where a keyboard lacks them.
_PLAIN = str.maketrans(
    {
        **dict(zip("łŁøØđĐðÐħĦŧŦŋŊıſĸɛ", "lLoOdDdDhHtTnNisqe", strict=True)),
        **{"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ß": "ss", "ẞ": "SS"},
        **dict.fromkeys("∗⋆★﹡", "*"),
        **{"♯": "#", "ℓ": "l", "∞": "-infinity-"},
        **dict.fromkeys("‐‑‒−﹣", "-"),
        **dict.fromkeys("’ʼ‘`´", "'"),
    }
)
# Accents, and the vowel points of Hebrew and Arabic. The marks of other scripts are part of words.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
_GREEK = "α-ωΑ-Ω"
# Greek letters in names stand alone: "β-VAE", "π0". In a Greek word they have neighbours.
_LONE_GREEK = re.compile(f"(?<![{_GREEK}])[{_GREEK}](?![{_GREEK}])")


def plain(text: str) -> str:
    """Return `text` without accents, in the letters of an English keyboard where there are any.

    Case stays. "CO₂" becomes "CO2", "Łukasz" "Lukasz", "β-VAE" "-beta--VAE": signs between words
    do not matter.
    """
    if text.isascii():
        return text
    letters = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    letters = unicodedata.normalize("NFKC", _ACCENTS.sub("", letters))
    return _LONE_GREEK.sub(_name_of, letters)


def _name_of(letter: re.Match[str]) -> str:
    """Return the English name of a Greek letter, set apart from what is around it."""
    name = unicodedata.name(letter.group()).rpartition(" LETTER ")[2].removeprefix("FINAL ")
    # Unicode writes "lamda".
    return f"-{name.lower().replace('lamda', 'lambda')}-"
