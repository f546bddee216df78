from .change import Change
from .digest import Digest
from .edition import Edition, EditionPaper
from .event import Event
from .feedback import Click, Vote
from .hold import Hold
from .pace import BackOff, DayCount, LastSending, Pace, Place, Turn
from .paper import Look, Paper, PaperKey, PaperTopic, Sighting, Validator

__all__ = [
    "BackOff",
    "Change",
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
    "PaperKey",
    "PaperTopic",
    "Place",
    "Sighting",
    "Turn",
    "Validator",
    "Vote",
]
