"""What goes in and out, as the OpenAPI document has it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.db.models import TextChoices
from ninja import Path, Schema
from pydantic import ConfigDict, Field
from pydantic_core import core_schema

from digest.models import Digest
from subscribers.models import Subscriber, Suppression

_BIGGEST = 2**63 - 1


class OneOf:
    """One of the values of a column, as a text: its enumeration would have a name in the document
    that others have as well."""

    def __init__(self, choices: type[TextChoices]) -> None:
        self._values = list(choices.values)

    def __get_pydantic_core_schema__(self, *_: Any) -> core_schema.CoreSchema:
        return core_schema.literal_schema(self._values)


# `date` is also the name of fields.
Day = date
Id = Annotated[int, Path(ge=1, le=_BIGGEST)]
# PostgreSQL stores no NUL.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Words = Annotated[list[Annotated[Text, Field(max_length=80)]], Field(max_length=50)]
State = Annotated[str, OneOf(Subscriber.State)]
Frequency = Annotated[str, OneOf(Subscriber.Frequency)]
Reason = Annotated[str, OneOf(Suppression.Reason)]
DigestState = Annotated[str, OneOf(Digest.State)]
Emphasis = Literal["never", "less", "follow", "more"]
Emphases = dict[str, Emphasis]


class Strict(Schema):
    """What comes in: a field that is not known is refused, because it may be misspelt."""

    model_config = ConfigDict(extra="forbid")


# --- readers -------------------------------------------------------------------------------
class SubscriberOut(Schema):
    """A reader, as in a list."""

    id: int
    email: str = Field(description="Masked, as `a***@example.org`, without `read:addresses`.")
    state: State
    suppressed: Reason | None = Field(description="Why no mail goes to this address, if so.")
    topics: Emphases = Field(description="By slug. Topics that are not there are neutral.")
    zone: str
    hour: int
    frequency: Frequency
    weekday: int = Field(description="The day of weekly digests; 0 is Monday.")
    length: int
    language: str
    is_exploring: bool
    paused_until: date | None
    next_due_at: datetime | None
    created_at: datetime
    confirmed_at: datetime | None
    unsubscribed_at: datetime | None


class SubscriberDetail(SubscriberOut):
    """A reader with the words and authors that they follow and mute."""

    keywords: list[str]
    muted_keywords: list[str]
    authors: list[str]
    muted_authors: list[str]


class SignUp(Strict):
    """Somebody who wants digests."""

    email: Annotated[Text, Field(max_length=320)]
    topics: list[Slug] = Field(default=[], max_length=200, description="Slugs of topics.")
    zone: Annotated[Text, Field(max_length=64)] = "UTC"
    hour: int = Field(default=7, ge=0, le=23, description="Only with a `basis`.")
    language: Annotated[Text, Field(max_length=7)] = "en"
    basis: Annotated[Text, Field(max_length=1000)] = Field(
        default="",
        description=(
            "How and when this person has already consented, in words that prove it later. With it "
            "they are a reader at once; without it they get a mail and confirm."
        ),
    )


class SignedUp(Schema):
    """What became of a sign-up. It is always the same for tokens that may not see addresses."""

    message: str
    outcome: str | None = Field(
        default=None, description="`added`, or why not: such as `suppressed` or `reader_active`."
    )
    id: int | None = None


class Preferences(Strict):
    """What is to be changed. Fields that are left out stay as they are."""

    zone: Annotated[Text, Field(max_length=64)] | None = None
    hour: int | None = Field(default=None, ge=0, le=23)
    frequency: Frequency | None = None
    weekday: int | None = Field(default=None, ge=0, le=6)
    length: int | None = Field(default=None, ge=3, le=20)
    language: Annotated[Text, Field(max_length=7)] | None = None
    is_exploring: bool | None = None
    paused_until: date | None = Field(default=None, description="null ends a pause.")
    topics: Emphases | None = Field(default=None, description="All topics that are not neutral.")
    keywords: Words | None = None
    muted_keywords: Words | None = None
    authors: Words | None = None
    muted_authors: Words | None = None


# --- topics --------------------------------------------------------------------------------
class TopicOut(Schema):
    slug: str
    name: str
    description: str
    seed_terms: list[str]
    matched_by: str
    position: int
    is_offered: bool


class TopicIn(Strict):
    """A whole topic."""

    name: Annotated[Text, Field(min_length=1, max_length=60)]
    description: Annotated[Text, Field(min_length=1, max_length=200)]
    seed_terms: Words = []
    position: int = Field(default=100, ge=0, le=32767)
    is_offered: bool = True


class TopicChange(Strict):
    """What is to be changed. Fields that are left out stay as they are."""

    name: Annotated[Text, Field(min_length=1, max_length=60)] | None = None
    description: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    seed_terms: Words | None = None
    position: int | None = Field(default=None, ge=0, le=32767)
    is_offered: bool | None = None


# --- editions and digests ------------------------------------------------------------------
class EditionOut(Schema):
    date: Day
    opened_at: datetime
    closed_at: datetime | None
    hold_rule: str = Field(description="Why it is held: `operator`, `thin`, `stale`; empty if not.")
    hold_reason: str
    stopped_at: datetime | None
    papers: int
    digests: dict[str, int] = Field(description="How many digests of it are in which state.")


class PaperOut(Schema):
    id: int
    key: str
    title: str
    url: str
    votes: int
    comments: int
    topics: dict[str, float] = Field(description="How well it fits each topic, by slug.")
    is_dropped: bool


class EditionDetail(EditionOut):
    candidates: list[PaperOut]


class DigestOut(Schema):
    id: str
    subscriber: int | None = Field(description="null once the reader is erased.")
    date: Day = Field(description="In the reader's own calendar.")
    edition: Day | None
    state: DigestState
    reason: str = Field(description="Why it was skipped, as a code; empty if it was not.")
    words: str = Field(description="The same in words, or what the mail service said.")
    due_at: datetime
    attempts: int
    handed_over_at: datetime | None
    mail_service: str
    papers: list[int]


class EventOut(Schema):
    """What a mail service reported."""

    id: int
    kind: str
    digest: str | None
    mail_service: str
    reject_reason: str
    is_permanent: bool
    at: datetime
    received_at: datetime


Json = dict[str, Any]
