from .change import Change
from .counts import ConsentCount, DigestCount, FeedbackCount
from .curation import Curation
from .digest import Digest
from .edition import Edition, EditionPaper
from .event import Event
from .feedback import Click, Vote
from .forecast import Forecast, SampleMail
from .heartbeat import Heartbeat
from .hold import Hold
from .pace import BackOff, DayCount, LastSending, Pace, Place, Turn
from .paper import Look, Paper, PaperKey, PaperTopic, Sighting, Validator

__all__ = [
    "BackOff",
    "Change",
    "Click",
    "ConsentCount",
    "Curation",
    "DayCount",
    "Digest",
    "DigestCount",
    "Edition",
    "EditionPaper",
    "Event",
    "FeedbackCount",
    "Forecast",
    "Heartbeat",
    "Hold",
    "LastSending",
    "Look",
    "Pace",
    "Paper",
    "PaperKey",
    "PaperTopic",
    "Place",
    "SampleMail",
    "Sighting",
    "Turn",
    "Validator",
    "Vote",
]
