"""Why a paper is in a digest: a short code in the row, words in the mail.

`topic:12` the reader follows topic 12 and it contributed most; `votes:54` no topic of the
reader's fits, and the paper had 54 votes when the edition closed.
"""

from collections.abc import Mapping

from .ranking.rank import Ranked


def code(ranked: Ranked) -> str:
    if ranked.topic_id is not None:
        return f"topic:{ranked.topic_id}"
    return f"votes:{ranked.votes}"


def words(reason: str, topic_names: Mapping[int, str]) -> str:
    """The reason as the reader is told it. `topic_names` maps a topic's id to its name."""
    kind, _, value = reason.partition(":")
    if kind == "topic":
        return f"You follow {topic_names.get(int(value), 'this topic')}"
    if int(value):
        return f"Popular today: {value} vote{'' if value == '1' else 's'}"
    return "New today"
