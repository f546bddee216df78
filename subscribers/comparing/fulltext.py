"""Writes the tokens of texts, and of what is looked for, for PostgreSQL's full-text search. Pure.

PostgreSQL's own parser takes "Qwen2.5" for a file, the "-4" of "GPT-4" for a negative number, and a
Chinese sentence for a word. So the parsing is ours; the index and the ranking are PostgreSQL's.
Words are found in any form (by their English stems, as PostgreSQL's own are), names as they are.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

from .phrases import Place, lexemes, one_word, phrase
from .tokens import EVERYWHERE, Token, chunks, is_pair, tokens

# Longer queries are slower, and nobody types more.
_MOST_TERMS = 16
# PostgreSQL keeps no higher positions.
_LAST_POSITION = 16_000
_TERM = re.compile(r'(?P<not>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_YEAR = re.compile(r"(?:19|20)\d\d")
_english = snowballstemmer.stemmer("english")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    stemmed: str = _english.stemWord(word)
    return stemmed


@lru_cache(maxsize=500)  # a paper is matched, and made searchable again, soon after it comes in
def vector(title: str, abstract: str) -> str:
    """Return a paper as a tsvector. The title counts more than the abstract (weights A and C)."""
    places: defaultdict[str, dict[str, None]] = defaultdict(dict)
    start = 1
    for text, weight in ((title, "A"), (abstract, "C")):
        found = tokens(text, start)
        start = found[-1].at + 2 if found else start
        for at, lexeme in lexemes(found, stem):
            if at <= _LAST_POSITION:
                places[lexeme][f"{at}{weight}"] = None
    return " ".join(f"{_quoted(lexeme)}:{','.join(at)}" for lexeme, at in places.items())


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody looks for, as two tsqueries.

    `words` asks for the same words wherever they are, which an index answers alone. For `exact`,
    which also says which words must follow each other, PostgreSQL has to read each paper. Both are
    "" if there is nothing to look for.
    """

    words: str
    exact: str


def query(text: str) -> Query:
    """Return a query for papers that have all words of `text`.

    "a phrase", OR and -without work as in the large search engines.
    """
    choices: list[list[_Term]] = [[]]
    for number, term in enumerate(_terms(text)):
        if number == _MOST_TERMS:
            break
        if term is None:
            choices.append([])
        elif term not in choices[-1]:
            choices[-1].append(term)
    useful = [terms for terms in choices if not all(term.is_unwanted for term in terms)]
    return Query(
        " | ".join(_all_of([term.words for term in terms]) for terms in useful),
        " | ".join(_all_of([term.exact for term in terms]) for terms in useful),
    )


def any_word(text: str) -> str:
    """Return a tsquery for papers that have any of the words of `text`; "" if it has none."""
    found = [token for token in tokens(text) if token.text not in EVERYWHERE]
    wanted = dict.fromkeys(_phrase(phrase([token], stem)) for token in found)
    return " | ".join(list(wanted)[:_MOST_TERMS])


@dataclass(frozen=True, slots=True)
class _Term:
    """One thing that a paper must have, or must not have. `words` is "" if it limits nothing."""

    words: str
    exact: str
    is_unwanted: bool = False


def _terms(text: str) -> Iterator[_Term | None]:
    """Yield what the parts of a query ask for; None for an OR."""
    plain: list[str] = []
    for part in _TERM.finditer(text):
        word = part["word"]
        if word and not part["not"] and word.casefold() != "or":
            plain.append(word)
            continue
        yield from _each(" ".join(plain))
        plain = []
        if word and not part["not"]:
            yield None
        elif term := _term(tokens(word or part["phrase"]), is_unwanted=bool(part["not"])):
            yield term
    yield from _each(" ".join(plain))


def _each(words: str) -> Iterator[_Term]:
    """Yield a term for each chunk. A number belongs to the word before it: "Llama 3"."""
    together: list[Token] = []
    for chunk in chunks(tokens(words)):
        if together and not _is_one_name(together[-1], chunk[0]):
            yield from _some(_term(together))
            together = []
        together += chunk
    yield from _some(_term(together))


def _is_one_name(last: Token, first: Token) -> bool:
    return is_pair(last, first) and not _YEAR.fullmatch(first.text)


def _some(term: _Term | None) -> Iterator[_Term]:
    if term:
        yield term


def _term(found: Sequence[Token], *, is_unwanted: bool = False) -> _Term | None:
    """Return what asks for these tokens, one after the other; None if every text has them."""
    if all(token.text in EVERYWHERE and not token.sign for token in found):
        return None
    places = phrase(found, stem)
    words, exact = [" & ".join(_quoted(lexeme) for _at, lexeme in places)], [_phrase(places)]
    together = _quoted(one_word(found, stem))
    if len(together) > len("''") and together not in words:
        words.append(together)
        exact.append(together)
    if is_unwanted:
        return _Term("", f"!({' | '.join(exact)})", is_unwanted=True)
    return _Term(f"({' | '.join(words)})", f"({' | '.join(exact)})")


def _phrase(places: Sequence[Place]) -> str:
    """Return a tsquery for lexemes at these distances."""
    written, before = "", 0
    for at, lexeme in places:
        written += f" <{at - before}> {_quoted(lexeme)}" if written else _quoted(lexeme)
        before = at
    return written


def _all_of(terms: Sequence[str]) -> str:
    return f"({' & '.join(term for term in terms if term)})"


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
