"""What a vote changes, in words that are true of how papers are ranked (``ranking.rank``)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from digest.models import EditionPaper, Paper, Vote
from digest.sources.text import shorten
from subscribers.comparing import phrases
from subscribers.models import Topic

_MOST_WORDS = 3
_MOST_TOPICS = 2
_WORD_LENGTH = 40
# Shorter words of a title rarely say what a paper is about, and neither do these.
_LEAST_LETTERS = 5
_SAY_LITTLE = frozenset(
    {
        *("about", "analysis", "approach", "based", "beyond", "efficient", "framework", "general"),
        *("improving", "language", "large", "learning", "method", "methods", "model", "models"),
        *("network", "networks", "neural", "novel", "paper", "study", "system", "systems"),
        *("through", "towards", "training", "using", "without"),
    }
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a vote changed, and how much of a change that is."""

    what: str
    how_much: str


def effect_of(value: int, candidate: EditionPaper, topics: Sequence[Topic]) -> Effect:
    """Return what this vote on the paper changes. `topics` are those that the paper fits best."""
    names = _joined([topic.label for topic in topics[:_MOST_TOPICS]])
    words = _joined(telling_words(candidate.paper))
    said = {"topics": names, "words": words}
    if value == Vote.Value.MORE:
        return Effect(
            _more(said) % said,
            _(
                "It goes by how alike two papers are, so one vote moves a few papers up. The more "
                "you vote, the more your votes decide, and the less the topics you follow."
            ),
        )
    return Effect(
        _less(said) % said,
        _("The topics, words and authors that you follow stay as they are."),
    )


def _more(said: dict[str, str]) -> str:
    if said["topics"] and said["words"]:
        return _(
            "Papers like this one now come sooner: those on %(topics)s, and those with words such "
            "as %(words)s."
        )
    if said["topics"]:
        return _("Papers like this one now come sooner, those on %(topics)s above all.")
    if said["words"]:
        return _("Papers like this one now come sooner: those with words such as %(words)s.")
    return _("Papers like this one now come sooner.")


def _less(said: dict[str, str]) -> str:
    if said["words"]:
        return _(
            "Papers like this one, with words such as %(words)s, now come only if they match "
            "something else that you asked for."
        )
    return _("Papers like this one now come only if they match something else that you asked for.")


def telling_words(paper: Paper) -> list[str]:
    """Return the few words that tell most of what the paper is about.

    Those are its source's keywords, if its own text has them; otherwise words of its title.
    """
    text = f"{paper.title} {paper.abstract}".casefold()
    keywords = [word for word in paper.keywords if word and word.casefold() in text]
    title = [word.strip(".,:;!?()[]“”\"'") for word in paper.title.split()]
    named = [word for word in title if _is_telling(word)]
    found = dict.fromkeys(shorten(word, _WORD_LENGTH) for word in keywords or named)
    return list(found)[:_MOST_WORDS]


def _is_telling(word: str) -> bool:
    is_long = len(word) >= _LEAST_LETTERS and word.isalpha()
    return is_long and word.casefold() not in _SAY_LITTLE and not phrases.is_everywhere(word)


def _joined(names: Sequence[str]) -> str:
    """Return the names in quotation marks, because some contain an "and" of their own."""
    parts = [_("“%(name)s”") % {"name": name} for name in names]
    if len(parts) < 2:
        return "".join(parts)
    return _("%(names)s and %(name)s") % {"names": ", ".join(parts[:-1]), "name": parts[-1]}
