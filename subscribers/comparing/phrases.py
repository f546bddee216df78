"""Finds keywords in texts. Pure.

A keyword holds where a text has its tokens one after the other, in singular or plural: a hyphen is
as good as a space, and as good as nothing ("fine-tuning", "fine tuning", "finetuning"). Signs
count: "C", "C++" and "C#" are three words, and "A*" is not "a".
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from .plurals import singular
from .tokens import EVERYWHERE, Token, chunks, is_pair, joined, paired, tokens

# A lexeme is what texts and phrases have in common: a string. Where it stands in a text is counted
# in tokens; where it stands in a phrase, from the phrase's start.
Place = tuple[int, str]
# Makes a word, in the singular, comparable.
Form = Callable[[str], str]

# An index keeps text and position in one number.
_POSITION_BITS = 16
_MOST_POSITIONS = 1 << _POSITION_BITS


def same(word: str) -> str:
    """The form for keywords, which only plurals and spelling may change."""
    return word


def lexemes(found: Sequence[Token], form: Form = same) -> Iterator[Place]:
    """Yield all that may be looked for at each place of a text."""
    for chunk in chunks(found):
        for token in chunk:
            for lexeme in _of_token(token, form, is_alone=len(chunk) == 1):
                yield token.at, lexeme
        if together := one_word(chunk, form):
            # At both ends, so that a phrase goes on before it and after it.
            for token in (chunk[0], chunk[-1]):
                yield token.at, together
    for first, second in pairwise(found):
        if is_pair(first, second):
            for name in paired(first, second):
                yield first.at, name
        elif first.is_char and second.is_char and second.at == first.at + 1:
            yield first.at, first.text + second.text


def one_word(found: Sequence[Token], form: Form = same) -> str:
    """Return the lexeme of the tokens written as one word, or "" if that says nothing more."""
    together = joined(found)
    return form(singular(together)) if together and found[0].is_word else together


def phrase(found: Sequence[Token], form: Form = same) -> list[Place]:
    """Return what a text must hold, and where, to hold these tokens one after the other."""
    if not found:
        return []
    start, places, taken = found[0].at, [], -1
    for number, token in enumerate(found):
        following = found[number + 1] if number + 1 < len(found) else None
        if number <= taken:
            continue
        if following and is_pair(token, following):
            places.append((token.at - start, paired(token, following)[0]))
            taken = number + 1
        elif following and token.is_char and following.is_char:
            places.append((token.at - start, token.text + following.text))
            is_last = number + 2 == len(found) or not found[number + 2].is_char
            taken = number + 1 if is_last else taken
        else:
            places.append((token.at - start, _wanted(token, form, is_alone=len(found) == 1)))
    return places


def _of_token(token: Token, form: Form, *, is_alone: bool) -> Iterator[str]:
    """Yield the lexemes of one token. `is_alone` means that nothing is written onto it."""
    if token.is_char:
        yield token.text
        return
    if token.sign:
        yield token.text + token.sign
    if token.is_number:
        yield token.text
    elif token.is_part:
        return
    elif len(token.text) > 1:
        yield form(token.singular)
        if token.is_plural:
            yield form(singular(token.text))  # typed in small letters
        if token.has_dot:
            yield f".{token.text}"
    elif not token.sign:
        yield token.text
        if is_alone:
            yield f"={token.text}"


def _wanted(token: Token, form: Form, *, is_alone: bool) -> str:
    """Return the lexeme that stands for one token of a phrase."""
    if token.sign or token.is_number or token.is_char:
        return token.text + token.sign
    if len(token.text) == 1:
        # "R" is the language, not the one in "R-CNN".
        return f"={token.text}" if is_alone else token.text
    return f".{token.text}" if token.has_dot else form(token.singular)


def says_nothing(text: str) -> bool:
    """Return whether a keyword has no token, so that no text can hold it."""
    return not tokens(text)


def is_everywhere(text: str) -> bool:
    """Return whether a keyword consists of words that nearly every text has."""
    found = tokens(text)
    return bool(found) and all(
        token.is_word and not token.sign and not token.has_dot and token.text in EVERYWHERE
        for token in found
    )


@lru_cache(maxsize=5000)
def ways(keyword: str) -> tuple[tuple[Place, ...], ...]:
    """Return the phrases that stand for a keyword: its tokens, and all of them as one word."""
    found = tokens(keyword)
    split = tuple(phrase(found))
    # "O(n)" is not "on", and "I.T." is not "it".
    is_unbroken = bool(found) and found[-1].at - found[0].at == len(found) - 1
    together = one_word(found) if is_unbroken else ""
    together = "" if together in EVERYWHERE else together
    return tuple(way for way in (split, ((0, together),) if together else ()) if way)


def is_same(keyword: str, other: str) -> bool:
    """Return whether each of two keywords holds wherever the other does."""
    return ways(keyword)[:1] == ways(other)[:1]


class Texts:
    """Several texts, ready to be searched for any number of keywords."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        """Each text is a sequence of parts. No phrase reaches from one part into the next."""
        self._places: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        for number, parts in enumerate(texts):
            start = 0
            for part in parts:
                found = tokens(part, start)
                start = found[-1].at + 2 if found else start
                for at, lexeme in lexemes(found):
                    if at < _MOST_POSITIONS:
                        self._places[lexeme].append((number << _POSITION_BITS) + at)

    def holding(self, keyword: str) -> set[int]:
        """Return the numbers of the texts that hold the keyword."""
        return {place >> _POSITION_BITS for way in ways(keyword) for place in self._starts(way)}

    def _starts(self, way: Sequence[Place]) -> set[int]:
        """Return where in the texts a phrase begins."""
        starts: set[int] | None = None
        for offset, lexeme in way:
            at = {place - offset for place in self._places.get(lexeme, ())}
            starts = at if starts is None else starts & at
            if not starts:
                return set()
        return starts or set()
