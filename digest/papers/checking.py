"""What is wrong with a sentence that a machine wrote, if anything. Pure.

A model may do what an abstract asks of it instead of what we ask. So its answer is only shown if it
looks like a plain sentence about this paper, in the language that was asked for.
"""

import re
from collections.abc import Callable, Mapping

from digest.sources.text import clean

from .excerpts import sentences_of

SHORTEST, LONGEST = 40, 320
# Of a source's own machine, which writes in English, somewhat more is taken.
LONGEST_OF_SOURCE = 600

_LINK = re.compile(
    r"https?:|www\.|\b[\w.+-]+@[\w-]+\.\w|\b[\w-]+\.(?:com|org|net|io|ai|co|dev|ly|me|xyz|info|app"
    r"|site|link|example|invalid|de|ru|cn|gg|to)\b(?:/|\s|[.,;]|\Z)",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<[/!a-z]|&[a-z]{2,8};|&#|```|`[^`]+`|\*\*|__|\]\(|\A\s*(?:#|[-*•>]\s|\d+[.)]\s)|\\[a-z]+|\{|\}"
    r"|\$[^$]+\$|\|",
    re.IGNORECASE,
)
# Words of a machine about itself or its task, and of who wants to sell something.
_OFF = re.compile(
    r"\b(?:as an? (?:ai|language model|assistant)|i(?:['’]m| am| can(?:not|['’]t)?| will| have)\b"
    r"|sorry|here (?:is|are) (?:the|a|your|my)|system prompt|previous instructions?|instructions? "
    r"(?:above|below|in the abstract)|as (?:instructed|requested)|ignor(?:e|ing|iere) (?:all|any"
    r"|the above|previous|prior|alle)"
    r"|subscribe|click|buy now|visit (?:our|us|the)|discount|must[- ]read|groundbreaking"
    r"|revolutionary|best paper|accept this|strong accept|hacked|pwned|password|api key"
    r"|als (?:ki|sprachmodell)|anweisung(?:en)?|tut mir leid|jetzt kaufen|abonnieren|klicken)\b"
    r"|\b(?:you|your|ihr|ihre|sie sollten|du)\s+(?:should|must|need|have to|müsst|sollten|musst)\b",
    re.IGNORECASE,
)
# What an abstract says to a machine that reads it, and never to people.
_SPOKEN_TO = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.]{0,40}\b(?:instructions?|prompts?|rules|above"
    r"|previous|prior)\b|\byou (?:are|act as)\b[^.]{0,30}\b(?:assistant|model|ai|llm|chatbot"
    r"|summari[sz]er|reviewer)\b|\b(?:respond|reply|answer|output|print|say|write)\s+(?:only|just"
    r"|exactly|with|in|the following)\b[^.]{0,80}|\b(?:when|if|in|for)\s+(?:you\s+)?summari[sz](?:e"
    r"|ing|ation)\b[^.]{0,60}\b(?:paper|abstract|text|must|say|include|mention|write)\b"
    r"|\b(?:ai|llm|language model) (?:assistants?|reviewers?|readers?|summari[sz]ers?)[:,]"
    r"|</?(?:system|user|assistant|paper|abstract|instructions?)>|\[/?INST\]|<\|",
    re.IGNORECASE,
)
_THOUGHT = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>\s*", re.DOTALL | re.IGNORECASE)
_HEADING = re.compile(r"\A(?:summary|tl;?dr|zusammenfassung|antwort|answer)\s*:\s*", re.IGNORECASE)
_QUOTED = re.compile(r"\A[\"“„«'](.*)[\"”“»']\Z")
_WORD = re.compile(r"[^\W_]+")
# The most frequent words of the languages that readers can choose. The other languages have none of
# them, or few.
_ENGLISH = """
    the of and to in that for with is are on by from this as an it its which be at into their using
    can how a without than more while through over between
"""
_GERMAN = """
    der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als auch es an
    werden aus er hat dass sie nach wird bei einer um am sind einem einen durch wie zum zur über
    ohne oder ihre mehr während zwischen
"""
COMMON: Mapping[str, frozenset[str]] = {
    "en": frozenset(_ENGLISH.split()),
    "de": frozenset(_GERMAN.split()),
}


def tidied(answer: str) -> str:
    """Return a model's answer on one line, without its thoughts, a heading and quotation marks."""
    text = clean(_THOUGHT.sub("", answer[:20_000]), 2 * LONGEST)
    text = _HEADING.sub("", text)
    quoted = _QUOTED.match(text)
    return quoted[1].strip() if quoted else text


def is_spoken_to(text: str) -> bool:
    """Whether a paper's text tells a machine what to do. Such a paper is not given to one."""
    return _SPOKEN_TO.search(text) is not None


def fault_of(text: str, language: str, about: str) -> str:
    """Return what is wrong with `text` as one sentence about the paper `about`; "" if nothing is.

    `about` is the paper's title and abstract.
    """
    for fault, is_at_fault in _FAULTS:
        if is_at_fault(text):
            return fault
    if not is_in_language(text, language):
        return "it is in another language"
    if not _is_about(text, language, about):
        return "it is not about the paper"
    return ""


def is_fit_from_source(text: str) -> bool:
    """Whether a source's summary can be shown. What it says is the source's business."""
    is_plain = not (_LINK.search(text) or _MARKUP.search(text) or _OFF.search(text))
    return is_plain and SHORTEST <= len(text) <= LONGEST_OF_SOURCE


def is_in_language(text: str, language: str) -> bool:
    """Whether the most frequent words are those of `language`, if we know them."""
    if language not in COMMON:
        return True
    words = [word.casefold() for word in _WORD.findall(text)]
    hits = {code: sum(word in common for word in words) for code, common in COMMON.items()}
    others = max((number for code, number in hits.items() if code != language), default=0)
    return hits[language] >= max(2, len(words) // 12) and hits[language] > others


_FAULTS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("it is empty", lambda text: not text),
    ("it is too short", lambda text: len(text) < SHORTEST),
    ("it is too long", lambda text: len(text) > LONGEST),
    ("it has a link", _LINK.search),
    ("it has markup", _MARKUP.search),
    ("it says what it should not", _OFF.search),
    ("it is no whole sentence", lambda text: text[-1] not in ".!?。"),
    ("it is more than one sentence", lambda text: len(sentences_of(text)) != 1),
)


def _is_about(text: str, language: str, about: str) -> bool:
    """Whether enough of the longer words are the paper's. In another language, names and terms
    must be."""
    own = {_stem(word) for word in _WORD.findall(about) if len(word) > 3}
    said = [_stem(word) for word in _WORD.findall(text) if len(word) > 3]
    shared = sum(word in own for word in said)
    least = len(said) / 3 if language == "en" else 1
    return bool(said) and shared >= max(1, least)


def _stem(word: str) -> str:
    return word.casefold()[:5]
