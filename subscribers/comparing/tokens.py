"""Takes texts apart into tokens, the same for texts and for what is looked for in them. Pure.

A token is a word, a number with what is written onto it ("2.5", "8x7b"), or one character of a
script that puts no spaces between words. Signs that names end with belong to the token: "c++",
"a*", "lora+". Tokens without a space between them form a *chunk*: "Qwen2.5-VL-7B" is one.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .letters import plain
from .plurals import is_plural_abbreviation, singular

# What makes a name of the word that it is written onto, but not another word: "Qwen2.5", "GPT4o",
# unlike "data2vec". Short ones are formulas: "CO2" is not about the state of Colorado.
_VERSION = re.compile(r"\d+(?:\.\d+)*[a-z]?")
_SHORTEST_NAME = 3
# Longer ones are data, not words, and PostgreSQL takes none of more than 2 KB.
_LONGEST = 60
# How many tokens of a chunk are also taken as one word: "fine-tuning" is "finetuning".
_MOST_JOINED = 5

# Words that any text in English is full of.
_EVERYWHERE = """
a about also an and are as at be been but by can could do does for from had has have how i if
in into is it its may more most no not of on one or our should so such than that the their then
there these they this those to using via was we were what when where which while who why will
with would you your
"""
EVERYWHERE = frozenset(_EVERYWHERE.split())

# Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)


def _marks() -> str:
    """Return the marks that are part of words in other scripts; `\\w` leaves them out."""
    marks = (chr(code) for code in range(0x0483, 0x1CF9))
    return "".join(mark for mark in marks if unicodedata.category(mark).startswith("M"))


_LETTER = rf"(?:[^\W\d_{_UNSPACED}]|[{_marks()}])"
_SIGN = r"\+\+|\^?[+#*](?!\w)"
_TOKEN = re.compile(
    rf"(?P<char>[{_UNSPACED}])"
    rf"|(?P<number>(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)*(?:{_LETTER}|\d)*)(?P<plus>{_SIGN})?"
    rf"|(?P<dot>(?<![\w.])\.)?(?P<word>{_LETTER}+)(?:'s(?!\w))?(?P<sign>{_SIGN})?"
)
# Between two tokens: what keeps a chunk together, and what separates two sentences or clauses.
_JOINS = re.compile(r"[-_.'&@^~·×]*")
_BREAKS = re.compile(r"[,;:!?()\[\]{}=…—。、，；：！？]|\.\s|\.\.")


class Token(NamedTuple):
    """A token in lower case. `sign` is what is written onto it: "+", "++", "#" or "*".

    `at` counts tokens, with a gap where a sentence or a clause ends. `chunk` counts chunks. A word
    that is only a part of another ("data" of "data2vec") is no word of its own: `is_part`.
    """

    at: int
    chunk: int
    text: str
    sign: str = ""
    is_number: bool = False
    is_char: bool = False
    has_dot: bool = False
    is_plural: bool = False
    is_part: bool = False

    @property
    def is_word(self) -> bool:
        return not (self.is_number or self.is_char)

    @property
    def singular(self) -> str:
        return self.text[:-1] if self.is_plural else singular(self.text)


def tokens(text: str, start: int = 0) -> list[Token]:
    """Return the tokens of `text`, the first at `start`."""
    found: list[Token] = []
    text = plain(text)
    at, chunk, end = start - 1, 0, 0
    for match in _TOKEN.finditer(text):
        between = text[end : match.start()]
        # Most are separated by a single space, which need not be looked at.
        is_space = between == " "
        if not found or is_space or not _JOINS.fullmatch(between):
            chunk += 1
        at += 2 if found and not is_space and _BREAKS.search(between) else 1
        end = match.end()
        token = _token(match, at, chunk)
        if found and not between and token.is_number and found[-1].is_word:
            found[-1] = found[-1]._replace(is_part=_is_part(found[-1], token))
        found.append(token)
    return found


def _is_part(word: Token, number: Token) -> bool:
    return len(word.text) < _SHORTEST_NAME or not _VERSION.fullmatch(number.text)


def _token(match: re.Match[str], at: int, chunk: int) -> Token:
    if char := match["char"]:
        return Token(at, chunk, char, is_char=True)
    if number := match["number"]:
        text = number.replace(",", "").casefold()[:_LONGEST]
        return Token(at, chunk, text, _sign(match["plus"]), is_number=True)
    word = match["word"]
    return Token(
        at,
        chunk,
        word.casefold()[:_LONGEST],
        _sign(match["sign"]),
        has_dot=bool(match["dot"]),
        is_plural=is_plural_abbreviation(word),
    )


def _sign(written: str | None) -> str:
    return (written or "").removeprefix("^")


def chunks(found: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens chunk by chunk."""
    chunk: list[Token] = []
    for token in found:
        if chunk and token.chunk != chunk[0].chunk:
            yield chunk
            chunk = []
        chunk.append(token)
    if chunk:
        yield chunk


def joined(chunk: Sequence[Token]) -> str:
    """Return the tokens of a chunk as one word; "" if that says no more than the tokens do."""
    if not 1 < len(chunk) <= _MOST_JOINED or any(token.is_char for token in chunk):
        return ""
    return "".join(token.text + token.sign for token in chunk)[:_LONGEST]


def is_pair(first: Token, second: Token) -> bool:
    """Return whether a word and the number after it are one name: "Llama 3", "GPT-4o", "o1"."""
    return (
        first.is_word
        and not first.sign
        and second.is_number
        and second.at == first.at + 1
        and not (first.chunk != second.chunk and first.text in EVERYWHERE)
    )


def paired(first: Token, second: Token) -> list[str]:
    """Return the names that a word and a number form: "llama3.1", and "llama3", which it is too."""
    parts = second.text.split(".")
    numbers = [second.text]
    if all(part.isdigit() for part in parts):
        numbers = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return [f"{first.singular}{number}" for number in numbers]
