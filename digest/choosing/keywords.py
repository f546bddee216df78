"""Whether a paper holds a keyword, or is by an author."""

import re
from functools import lru_cache

from digest.models import Paper
from subscribers.models import Term
from subscribers.wishes import terms

_NOT_WORDS = re.compile(r"[^\w]+")


def contains(paper: Paper, kind: str, key: str) -> bool:
    """Return whether the paper matches a term.

    A keyword matches if the title or the abstract holds it as whole words, and an author if the
    paper lists them. `key` is the term's key (``terms.key``), which ignores case and accents.
    """
    if kind == Term.Kind.AUTHOR:
        return any(terms.key(name) == key for name in paper.authors)
    return holds(paper.title, paper.abstract, key)


def holds(title: str, abstract: str, key: str) -> bool:
    """Return whether the title or the abstract holds the keyword with this key as whole words."""
    return f" {_words(key)} " in _text(title, abstract)


@lru_cache(maxsize=2000)
def _text(title: str, abstract: str) -> str:
    # `terms.key` would cut the text to the length of a term.
    return f" {_words(terms.folded(f'{title} {abstract}'))} "


def _words(text: str) -> str:
    return _NOT_WORDS.sub(" ", text).strip()
