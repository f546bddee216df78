from .digest import Digest
from .edition import Edition, EditionPaper
from .event import Event
from .feedback import Click, Vote
from .hold import Hold
from .pace import BackOff, DayCount, Pace
from .paper import Look, Paper, PaperTopic, Sighting

__all__ = [
    "BackOff",
    "Click",
    "DayCount",
    "Digest",
    "Edition",
    "EditionPaper",
    "Event",
    "Hold",
    "Look",
    "Pace",
    "Paper",
    "PaperTopic",
    "Sighting",
    "Vote",
]
