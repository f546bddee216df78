"""Whether a paper holds a word that a reader wrote, or is by somebody they named."""

import re
from functools import lru_cache

from digest.models import Paper
from subscribers.models import Term
from subscribers.wishes import terms

_MARKS = re.compile(r"[^\w]+")


def contains(paper: Paper, kind: str, key: str) -> bool:
    """Whether the paper's title or abstract holds the keyword as whole words, or the author is
    one of its own. `key` is the term's (``terms.key``): without case and accents."""
    if kind == Term.Kind.AUTHOR:
        return any(terms.key(name) == key for name in paper.authors)
    return holds(paper.title, paper.abstract, key)


def holds(title: str, abstract: str, key: str) -> bool:
    """Whether either text holds the keyword, whose key this is, as whole words."""
    return f" {_plain(key)} " in _text(title, abstract)


@lru_cache(maxsize=2000)
def _text(title: str, abstract: str) -> str:
    # Not terms.key itself, which keeps the beginning only.
    return f" {_plain(terms.folded(f'{title} {abstract}'))} "


def _plain(text: str) -> str:
    return _MARKS.sub(" ", text).strip()
