"""How well papers fit topics, by tf-idf over title and abstract.

A word weighs more the rarer it is in the background papers and the more often the paper uses it.
A topic is a set of words. A paper fits it by how much of the paper's weight is on those words.

Some topics have learnt weights as well (`Weights`), and one may take the papers that fit no other.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import log, sqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

# The title counts this many times: it says in ten words what the abstract says in two hundred.
_TITLE_TIMES = 3

# Names and descriptions of topics are written for people and hold words that any paper may use,
# so they count for less than the seed terms.
_PROSE = 0.2

# A word in fewer than one text in a hundred counts as no rarer than that. Otherwise names and
# misprints would outweigh the subject, the more so the larger the background is.
_RARE = 0.01

# Below _LEAST a paper only touches on the topic; from _FULL on there is no doubt. In a longer text
# each term has a smaller part of the weight, so past _SHORT different tokens less is enough.
# Measured on 58 labelled summaries, and on two thousand abstracts by their keywords
# (``evaluate_topics``).
_LEAST = 0.11
_SHORT = 40
_FULL = 0.35

# What a paper that only just fits gets by learnt weights: about as much as by words.
_JUST = 0.3
# Where weights were learnt, words count by themselves only if they fit this well. They find what
# the papers that the weights were learnt from hardly speak of, and what an operator adds.
_CERTAIN = 0.4
# How well a paper that fits no topic fits the one for the rest: no better than one that only just
# fits its topic, so that followers of both get the other first.
_REST = 0.3

_MARKUP = re.compile(r"https?://\S+|</?[a-z][^<>]*>|&#?\w+;|\\[a-z]+", re.IGNORECASE)
# These may occur inside a word: "**S**entence", "{few}-shot".
_MARKS = re.compile(r"[*{}$\\]")
# A word with its hyphens, or a mark that separates two words, which then do not form a term.
_WORD_OR_BREAK = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|[^\w\s]")
_PART = re.compile(r"[-'’]")
_VOWEL = re.compile("[aeiouy]")

_ENGLISH_WORDS = """
a about above after again against all also although am among an and any are as at be because
been before being below between both but by can could did do does doing down during each either
else etc ever every for from further had has have having he her here hers him his how
however if in into is it its itself just least less many may me might more most much must my
neither no nor not now of off often on once one only onto or other our ours out over own per
perhaps quite rather same she should since so some such than that the their theirs them then
there these they this those though three through thus to too toward towards two under until up
upon us very via was we well were what when where whereas whether which while who whom whose why
will with within without would yet you your
"""
# Words of any academic paper, whatever it is about. Words that form terms with others ("tool use",
# "language model", "deep research") are not listed: they are common, so they weigh little anyway.
_ACADEMIC = """
abstract achieve achieves achieved achieving address addresses aim aims approach approaches art
available based better capability capabilities challenge challenges challenging comprehensive
conduct consistently crucial current demonstrate demonstrates demonstrating despite different
diverse effective effectively effectiveness enable enables enabling enhance enhances especially
existing experiments experimental extensive findings first framework furthermore github given
good hence highlight http https improve improved improvement improvements improves improving
including increasingly insights introduce introduced introduces introducing key leading leverage
leverages leveraging limitation limitations limited method methods moreover new novel offer
outperform outperforming outperforms overcome paper particularly perform performance performs
popular potential present presents previous prior promising propose proposed proposes provide
provides providing publicly recent recently remain remains require required requires respectively
result results reveal reveals show showing shown shows significant significantly simple specific
specifically study studies substantial substantially superior technique techniques using various
way ways widely work works
"""
# Words of any English text.
ENGLISH = frozenset(_ENGLISH_WORDS.split())
_STOP_WORDS = ENGLISH | frozenset(_ACADEMIC.split())


def tokens(text: str) -> list[str]:
    """Return the words of `text`, in lower case and lightly stemmed, and neighbours as "a_b".

    Stop words, numbers and single characters are left out. Neighbours are words with nothing but
    space between them, or parts of a hyphenated word ("text-to-image" gives text, image and
    text_image).
    """
    found: list[str] = []
    previous = ""
    for match in _WORD_OR_BREAK.findall(_MARKS.sub("", _MARKUP.sub(" ", text)).lower()):
        parts = [_stem(part) for part in _PART.split(match) if _is_token(part)]
        if not parts:
            previous = ""
        for part in parts:
            found.append(part)
            if previous:
                found.append(f"{previous}_{part}")
            previous = part
    return found


class Vectorizer:
    """Weighs the words of texts. How rare a word is comes from the texts it was fitted on.

    Safe to share, because nothing changes after ``fit``.
    """

    def __init__(self, documents: int, frequencies: Mapping[str, int]) -> None:
        self._documents = documents
        self._frequencies = frequencies

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Self:
        """Return a vectorizer that knows in how many of `texts` each token occurs.

        `texts` may be empty.
        """
        frequencies: Counter[str] = Counter()
        documents = 0
        for text in texts:
            documents += 1
            frequencies.update(set(tokens(text)))
        return cls(documents, frequencies)

    def rarity(self, token: str) -> float:
        """Return the smoothed inverse document frequency, about 1 for a word in every text."""
        frequency = self._frequencies.get(token, 0) + _RARE * self._documents
        return 1 + log((1 + self._documents) / (1 + frequency))

    def vector(self, text: str) -> dict[str, float]:
        """Return the weight of each token, scaled to length 1; empty for a text without tokens.

        Counts enter by their logarithm: a word used ten times does not say ten times as much.
        """
        return self.weighed(Counter(tokens(text)))

    def weighed(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Return the same for a text whose tokens have been counted."""
        return _unit(
            {token: (1 + log(count)) * self.rarity(token) for token, count in counts.items()}
        )


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learnt about a topic: what tokens say for it (above 0) or against it.

    With `bias`, the sum over a paper's tokens is 0 for a paper that only just fits, and 1 for one
    about which there is no doubt.
    """

    bias: float
    of: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TopicTerms:
    """A topic for matching: its name and description, and seed terms that its papers use.

    `weights` are what was learnt about it, if anything was. If `is_rest`, the topic has the papers
    that fit no other, whatever its words.
    """

    key: int | str
    name: str
    description: str
    seed_terms: tuple[str, ...]
    weights: Weights | None = None
    is_rest: bool = False


def topic_fits(
    papers: Sequence[tuple[str, str]],
    topics: Sequence[TopicTerms],
    background: Sequence[tuple[str, str]] = (),
) -> NDArray[np.float32]:
    """Return how well each paper fits each topic: float32 (papers, topics), from 0 to 1.

    0 means no match. Papers are pairs of a title and an abstract. How rare a word is comes from
    `background` and `papers`; a few hundred background papers make the matches more reliable.
    """
    vectorizer = Vectorizer.fit(f"{title}. {text}" for title, text in chain(background, papers))
    terms = [_term_weights(topic, vectorizer) for topic in topics]
    fits = np.zeros((len(papers), len(topics)), dtype=np.float32)
    for row, (title, abstract) in enumerate(papers):
        counts = counted(title, abstract)
        vector, plain = vectorizer.weighed(counts), frequencies(counts)
        named = frozenset(tokens(title))
        for column, topic in enumerate(topics):
            by_words = 0.0 if topic.is_rest else _fit(vector, named, terms[column])
            fits[row, column] = _with_learnt(by_words, plain, topic.weights)
    unmatched = ~fits.any(axis=1)
    for column, topic in enumerate(topics):
        if topic.is_rest:
            fits[unmatched, column] = _REST
    return fits


def counted(title: str, abstract: str) -> Counter[str]:
    """Return how often a paper uses each token. The title counts several times."""
    return Counter(tokens(f"{title}. " * _TITLE_TIMES + abstract))


def frequencies(counts: Mapping[str, int]) -> dict[str, float]:
    """Return what learnt weights are multiplied with: the counts' logarithms, scaled to length 1.

    Rarity does not enter, so what was learnt means the same whatever the background is.
    """
    return _unit({token: 1 + log(count) for token, count in counts.items()})


def _unit(vector: Mapping[str, float]) -> dict[str, float]:
    length = sqrt(sum(weight * weight for weight in vector.values()))
    return {token: weight / length for token, weight in vector.items()}


def _with_learnt(by_words: float, plain: Mapping[str, float], weights: Weights | None) -> float:
    """Return how well a paper fits a topic, given how well it fits the topic's words."""
    if weights is None:
        return by_words
    score = weights.bias + sum(plain.get(token, 0.0) * each for token, each in weights.of.items())
    learnt = min(_JUST + (1 - _JUST) * score, 1.0) if score > 0 else 0.0
    return max(learnt, by_words if by_words >= _CERTAIN else 0.0)


def _term_weights(topic: TopicTerms, vectorizer: Vectorizer) -> dict[str, float]:
    """Return the weights of the topic's tokens: 1 for seed terms, or for all if it has none."""
    prose = tokens(f"{topic.name}. {topic.description}")
    seeds = [_seed(term, vectorizer) for term in topic.seed_terms if tokens(term)]
    return dict.fromkeys(prose, _PROSE if seeds else 1.0) | dict.fromkeys(seeds, 1.0)


def _seed(term: str, vectorizer: Vectorizer) -> str:
    """Return the token that represents a seed term: the rarest pair of words in it, if any.

    "Tool use" means the two words side by side, so a paper with "use" alone does not match.
    """
    found = tokens(term)
    pairs = [token for token in found if "_" in token]
    return max(pairs or found, key=vectorizer.rarity)


def _fit(vector: Mapping[str, float], named: Set[str], terms: Mapping[str, float]) -> float:
    """Return how much of the paper's vector is on the topic's tokens, from 0 to 1.

    A single seed term counts half, because it may be mentioned in passing. Several seed terms
    confirm each other, and so does a seed term in the title, whose tokens are `named`.
    """
    hits = [token for token in terms if token in vector]
    seeds = sum((terms[token] == 1) * (2 if token in named else 1) for token in hits)
    if not seeds:
        return 0.0
    length = sqrt(sum((vector[token] * terms[token]) ** 2 for token in hits))
    score = length * (1 - 1 / (2 * seeds))
    least = _LEAST * sqrt(min(_SHORT / len(vector), 1.0))
    return min(score / _FULL, 1.0) if score >= least else 0.0


def _is_token(part: str) -> bool:
    return len(part) > 1 and part not in _STOP_WORDS and not part.isdecimal()


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    """Return `word` without endings of plurals and verb forms, where that is safe."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ias")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        start = word.removesuffix(ending)
        if start != word and len(start) > 2 and not word.endswith("eed") and _VOWEL.search(start):
            return start[:-1] if start[-1] == start[-2] and start[-1] not in "lsz" else start
    return word[:-1] if len(word) > 3 and word.endswith("e") else word
