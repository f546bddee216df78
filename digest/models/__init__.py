from .access import Factor, Invitation, RecoveryCode, SignOut
from .audit import AuditEntry
from .change import Change
from .counts import ConsentCount, DigestCount, FeedbackCount
from .curation import Curation
from .digest import Digest
from .edition import Edition, EditionPaper
from .event import Event
from .feedback import Click, Saved, Vote
from .forecast import CatchUp, Forecast, SampleMail
from .heartbeat import Heartbeat
from .hold import Backup, Hold, Restoration
from .outside import Attempt, Call, Endpoint, Kind, Notice, Scope, Token
from .pace import BackOff, DayCount, LastSending, Pace, Place, Turn
from .paper import (
    Look,
    Paper,
    PaperKey,
    PaperTopic,
    Picture,
    Sighting,
    Summary,
    SummaryDay,
    Validator,
)

__all__ = [
    "Attempt",
    "AuditEntry",
    "BackOff",
    "Backup",
    "Call",
    "CatchUp",
    "Change",
    "Click",
    "ConsentCount",
    "Curation",
    "DayCount",
    "Digest",
    "DigestCount",
    "Edition",
    "EditionPaper",
    "Endpoint",
    "Event",
    "Factor",
    "FeedbackCount",
    "Forecast",
    "Heartbeat",
    "Hold",
    "Invitation",
    "Kind",
    "LastSending",
    "Look",
    "Notice",
    "Pace",
    "Paper",
    "PaperKey",
    "PaperTopic",
    "Picture",
    "Place",
    "RecoveryCode",
    "Restoration",
    "SampleMail",
    "Saved",
    "Scope",
    "Sighting",
    "SignOut",
    "Summary",
    "SummaryDay",
    "Token",
    "Turn",
    "Validator",
    "Vote",
]
