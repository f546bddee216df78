"""Why a paper is in a digest: a short code in the row, words in the mail.

`topic:12`       the reader follows topic 12
`keyword:LoRA`   the paper holds a keyword that they follow
`near:LoRA`      it is about the like of a keyword that they follow
`author:A. Doe`  it is by somebody they follow
`like:7:Title`   it is like paper 7, which they voted up
`picked:7:Title` it is like paper 7, which they named as an example, or is in their library
`opened:7:Title` it is like paper 7, which they opened from a digest
`votes:54`       nothing of theirs fits it; it had 54 votes when the edition closed
`new`            off their usual path, to see whether they like it

Of what fits, that stands here which contributed most to the paper's score.
"""

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.papers.excerpts import shorten
from digest.ranking.rank import Part

# What fits the row.
_TITLE_LENGTH = 90
NEAR = "near"
LIKED, PICKED, OPENED = "like", "picked", "opened"
EXPLORING = "new"


def of_topic(topic_id: int) -> str:
    return f"topic:{topic_id}"


def of_term(kind: str, text: str) -> str:
    return f"{kind}:{text}"


def of_like(code: str, paper_id: int, title: str) -> str:
    """`code` is LIKED, PICKED or OPENED."""
    return f"{code}:{paper_id}:{shorten(title, _TITLE_LENGTH)}"


def of_votes(votes: int) -> str:
    return f"votes:{votes}"


def words(reason: str, topic_names: Mapping[int, str]) -> str:
    """The reason as the reader is told it, in the language that is active.

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
            return _("By %(author)s, whom you follow") % {"author": value}
        case "like":
            title = value.partition(":")[2]
            return _("Like “%(title)s”, which you voted up") % {"title": title}
        case "picked":
            title = value.partition(":")[2]
            return _("Like “%(title)s”, which is one of yours") % {"title": title}
        case "opened":
            title = value.partition(":")[2]
            return _("Like “%(title)s”, which you opened") % {"title": title}
        case "votes" if int(value):
            said = ngettext(
                "Everyone is reading: %(votes)d vote",
                "Everyone is reading: %(votes)d votes",
                int(value),
            )
            return said % {"votes": int(value)}
        case "new":
            return _("Something off your usual path")
        case _:
            return _("New today")


def contributions_in_words(contributions: Sequence[int], place: int) -> list[tuple[str, int]]:
    """What added to the score of the paper at `place` of a digest, and how much of it in per
    cent; the greatest first. Only what spoke for the paper."""
    parts = contributions[place * len(Part) : (place + 1) * len(Part)]
    names = {
        Part.TOPICS: _("Topics you follow"),
        Part.TERMS: _("Words and authors you follow"),
        Part.TASTE: _taste(),
        Part.VOTES: _("Votes of everybody"),
    }
    total = sum(part for part in parts if part > 0)
    shares = [
        (names[Part(number)], round(100 * part / total))
        for number, part in enumerate(parts)
        if part > 0
    ]
    return sorted(shares, key=lambda share: -share[1])


def _taste() -> str:
    if settings.TRACK_CLICKS:
        return _("What you voted up, picked or opened")
    return _("What you voted up or picked")


def topic_of(reason: str) -> int | None:
    """The topic that the reason names, if it names one."""
    kind, _colon, value = reason.partition(":")
    return int(value) if kind == "topic" else None
