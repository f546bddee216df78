"""Folds plurals, so that "language models" holds where "language model" is meant. Pure.

Only plurals: a keyword "robot" must not hold for "robotics". What comes out need not be a word, as
long as both forms give the same and no other word does.
"""

import re
from functools import lru_cache

_IRREGULAR = {
    **{"analyses": "analysis", "axes": "axis", "bases": "base", "children": "child"},
    **{"corpora": "corpus", "criteria": "criterion", "crises": "crisis", "feet": "foot"},
    **{"genera": "genus", "hypotheses": "hypothesis", "indices": "index", "lives": "life"},
    **{"matrices": "matrix", "mice": "mouse", "phenomena": "phenomenon", "syntheses": "synthesis"},
    **{"theses": "thesis", "vertices": "vertex", "viruses": "virus", "buses": "bus"},
    **{"parentheses": "parenthesis", "simplices": "simplex", "automata": "automaton"},
    **{"knives": "knife", "leaves": "leaf", "women": "woman", "men": "man", "halves": "half"},
}
# They end like plurals and are none.
_SINGULAR = {"news", "lens", "mars", "kudos", "chaos", "pathos", "ethos", "texas", "perhaps"}
# "GPs" and "LLMs": the small "s" tells that it is a plural, however short the word.
_ABBREVIATIONS = re.compile(r"[A-Z][A-Z0-9]+s")


@lru_cache(maxsize=50_000)
def singular(word: str) -> str:
    """Return a word in lower case without the ending of a plural."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or word in _SINGULAR or not word.isascii():
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is", "ias", "ics")):
        word = word[:-1]
    if len(word) > 4 and word.endswith("ie"):
        return word[:-2] + "y"  # policies, and movies like movie
    if word.endswith(("che", "she", "xe", "sse", "zze")):
        return word[:-1]  # boxes, and caches like cache
    return word


def is_plural_abbreviation(word: str) -> bool:
    """Return whether a word, in the case in which it is written, is a plural such as "GPs"."""
    return word[-1] == "s" and bool(_ABBREVIATIONS.fullmatch(word))
