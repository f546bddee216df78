from .digest import Digest
from .edition import Edition, EditionPaper
from .event import Event
from .hold import Hold
from .paper import Look, Paper, PaperTopic, Sighting

__all__ = [
    "Digest",
    "Edition",
    "EditionPaper",
    "Event",
    "Hold",
    "Look",
    "Paper",
    "PaperTopic",
    "Sighting",
]
