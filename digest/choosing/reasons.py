"""Why a paper is in a digest: a short code in the digest's row, words in the mail.

`topic:12`       the reader follows topic 12
`keyword:LoRA`   the paper holds a keyword that they follow
`near:a b`       it has all words of a keyword that they follow, but not side by side
`author:A. Doe`  it is by an author whom they follow; with the name as the paper prints it if it
                 differs: `author:Ada Doe = A. Doe`
`like:7:Title`   it is similar to paper 7, which they voted up
`picked:7:Title` it is similar to paper 7, which is one of their examples or in their library
`opened:7:Title` it is similar to paper 7, which they opened from a digest
`votes:54`       it had 54 votes when the edition closed, and is in the place for the most voted
`new`            it is off their usual path, to see whether they like it
`closest`        it is among the day's closest to what they like, but nothing stands out
`rest`           it fills the digest
`pinned`         an operator pinned it, so it comes first for everybody

If several apply clearly (``ranking.weights``), the code names the one that added most to the
paper's score.

To add a reason: give it a `Kind` where the ranking chooses the paper (``ranking.rank``), then a
code in `CODES` and words in `words`. A reason from a new kind of vote needs no `Kind`: give it a
code in ``interests`` and words here.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.ranking.batch import Kind, Part
from digest.sources.text import shorten
from subscribers.comparing import names

# With the rest of the code this fits the column, `Digest.reasons`.
_TITLE_LENGTH = 90
_AUTHORS_LENGTH = 110
# Between an author's name as the paper prints it and as the reader typed it.
_AS = " = "
LIKED, PICKED, OPENED = "like", "picked", "opened"
PINNED = "pinned"


class Evidence(Protocol):
    """What a reason may name of one reader and the papers chosen for them.

    `column` is the paper's position in the reader's selection, `place` its index among the
    candidates.
    """

    def topic_id(self, column: int) -> int:
        """Return the followed topic that the paper fits best."""

    def votes(self, place: int) -> int:
        """Return the paper's votes when the edition closed."""

    def strongest_term(self, place: int) -> tuple[str, str, bool]:
        """Return the kind and text of the term that added most, and whether the paper holds it."""

    def strongest_like(self, place: int) -> tuple[str, int, str]:
        """Return the code, paper id and title of the liked paper that is most similar."""


def _of_term(evidence: Evidence, column: int, place: int) -> str:
    kind, text, is_held = evidence.strongest_term(place)
    return f"{kind}:{text}" if is_held else f"near:{text}"


def _of_like(evidence: Evidence, column: int, place: int) -> str:
    code, paper_id, title = evidence.strongest_like(place)
    return f"{code}:{paper_id}:{shorten(title, _TITLE_LENGTH)}"


@lru_cache(maxsize=5000)
def author(typed: str, printed: str) -> str:
    """Return what a reason says of an author: the name that was typed, as the paper prints it."""
    if names.is_same(typed, printed):
        return typed
    return f"{shorten(printed, _AUTHORS_LENGTH - len(typed) - len(_AS))}{_AS}{typed}"


# For each `Kind`, what makes the code of the reason from the evidence, column and place. A table,
# because this runs for every paper of every digest.
CODES: Mapping[int, Callable[[Evidence, int, int], str]] = {
    Kind.TOPIC: lambda evidence, column, place: f"topic:{evidence.topic_id(column)}",
    Kind.TERM: _of_term,
    Kind.TASTE: _of_like,
    Kind.VOTES: lambda evidence, column, place: f"votes:{evidence.votes(place)}",
    Kind.EXPLORING: lambda evidence, column, place: "new",
    Kind.CLOSEST: lambda evidence, column, place: "closest",
    Kind.REST: lambda evidence, column, place: "rest",
    Kind.PINNED: lambda evidence, column, place: PINNED,
}


def words(reason: str, topic_names: Mapping[int, str]) -> str:
    """Return the reason in words for the reader, in the active language.

    `topic_names` maps a topic's id to its name.
    """
    kind, _colon, value = reason.partition(":")
    match kind:
        case "topic":
            topic = topic_names.get(int(value), _("this topic"))
            return _("You follow %(topic)s") % {"topic": topic}
        case "keyword":
            return _("You follow “%(keyword)s”") % {"keyword": value}
        case "near":
            return _("Close to “%(keyword)s”, which you follow") % {"keyword": value}
        case "author":
            printed, _equals, typed = value.partition(_AS)
            if typed:
                said = _("By %(author)s; you follow “%(name)s”")
                return said % {"author": printed, "name": typed}
            return _("By %(author)s, whom you follow") % {"author": value}
        case "like":
            return _("Like “%(title)s”, which you voted up") % {"title": _title(value)}
        case "picked":
            return _("Like “%(title)s”, which you picked") % {"title": _title(value)}
        case "opened":
            return _("Like “%(title)s”, which you opened") % {"title": _title(value)}
        case "votes" if int(value):
            text = ngettext(
                "Everyone is reading: %(votes)d vote",
                "Everyone is reading: %(votes)d votes",
                int(value),
            )
            return text % {"votes": int(value)}
        case "pinned":
            return _("Chosen by the editor")
        case "closest":
            return _("Among today’s closest to what you like")
        case "new":
            return _("Something off your usual path")
        case _:
            return _("New today")


def _title(value: str) -> str:
    return value.partition(":")[2]


def topic_of(reason: str) -> int | None:
    """Return the id of the topic that the reason names, or None if it names none."""
    kind, _colon, value = reason.partition(":")
    return int(value) if kind == "topic" else None


def contributions_in_words(
    contributions: Sequence[Sequence[int]], place: int
) -> list[tuple[str, int]]:
    """Return what raised the score of the paper at `place` of a digest, the largest part first.

    `contributions` are a digest's, as stored: a row for each paper, with a number for each `Part`
    in order, and then the chance of the choice. Rows may be shorter or longer than that; a number
    without a name is left out. Each name comes with its share of all that raised the score, in
    per cent. A digest without stored contributions gives an empty list.
    """
    row = contributions[place] if place < len(contributions) else ()
    names = {
        Part.TOPICS: _("Topics you follow"),
        Part.TERMS: _("Words and authors you follow"),
        Part.TASTE: _taste(),
        Part.VOTES: _("Everyone’s votes"),
    }
    raised = {part: row[part] for part in names if part < len(row) and row[part] > 0}
    total = sum(raised.values())
    shares = [(names[part], round(100 * number / total)) for part, number in raised.items()]
    return sorted(shares, key=lambda share: -share[1])


def _taste() -> str:
    if settings.TRACK_CLICKS:
        return _("Papers you voted up, picked or opened")
    return _("Papers you voted up or picked")
