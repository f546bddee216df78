from .digest import Digest
from .edition import Edition, EditionPaper
from .event import Event
from .feedback import Click, Vote
from .hold import Hold
from .pace import BackOff, DayCount, LastSending, Pace, Place, Turn
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
    "LastSending",
    "Look",
    "Pace",
    "Paper",
    "PaperTopic",
    "Place",
    "Sighting",
    "Turn",
    "Vote",
]
