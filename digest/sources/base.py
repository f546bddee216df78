"""What all sources share: what they return, and what can go wrong."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from .notices import is_no_paper, is_withdrawn
from .text import (
    ABSTRACT_LENGTH,
    CATEGORY_LENGTH,
    KEYWORD_LENGTH,
    MACHINE_LENGTH,
    MOST_AUTHORS,
    NAME_LENGTH,
    SUMMARY_LENGTH,
    TITLE_LENGTH,
    clean,
    clean_each,
    presentable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePaper:
    """A paper as a source describes it.

    Sources pass texts as they found them, free of HTML. Creating the value makes them
    presentable and bounded, so no source can forget to.

    `key` identifies the paper across all sources: ``arxiv:2405.15738``, ``doi:…``, ``url:…``.
    `other_keys` are further names of it: its DOI, its address, the id that its feed gives it.
    `num_authors` may be more than `authors` holds. `summary` is what the source's own machine,
    `summary_by`, says of the paper. `source_title` is what the source calls
    itself, where it has a name for this paper's list (a feed's title). `announced_at` is when the
    source made the paper known; None if it is news. None for a figure and "" for a text mean that
    the source does not say.
    """

    key: str
    title: str
    url: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    num_authors: int = 0
    published_at: datetime | None = None
    votes: int | None = None
    comments: int | None = None
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    code_url: str = ""
    project_url: str = ""
    organization: str = ""
    summary: str = ""
    summary_by: str = ""
    thumbnail_url: str = ""
    source_title: str = ""
    other_keys: tuple[str, ...] = ()
    announced_at: datetime | None = None

    def __post_init__(self) -> None:
        texts = {
            "title": presentable(self.title, TITLE_LENGTH),
            "abstract": presentable(self.abstract, ABSTRACT_LENGTH),
            "authors": clean_each(self.authors, NAME_LENGTH, MOST_AUTHORS),
            "categories": clean_each(self.categories, CATEGORY_LENGTH),
            "keywords": clean_each(self.keywords, KEYWORD_LENGTH),
            "organization": clean(self.organization, NAME_LENGTH),
            "summary": presentable(self.summary, SUMMARY_LENGTH),
            "summary_by": clean(self.summary_by, MACHINE_LENGTH),
            "source_title": clean(self.source_title, NAME_LENGTH),
        }
        for name, text in texts.items():
            object.__setattr__(self, name, text)
        others = dict.fromkeys(key for key in self.other_keys if key and key != self.key)
        object.__setattr__(self, "other_keys", tuple(others))

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key, *self.other_keys)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said.

    `entries` counts all that it listed, including those we do not take. `problems` has one
    sentence for each entry or address that was left out. `withdrawn` are papers that it says are
    withdrawn. `validators` tell, for each address that was read whole, what to send to learn
    whether it has changed since.
    """

    papers: list[SourcePaper] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    entries: int = 0
    withdrawn: list[SourcePaper] = field(default_factory=list)
    validators: dict[str, "Validators"] = field(default_factory=dict)


class SourceError(Exception):
    """A source that could not be read. The text says what happened and who can act.

    `status` is the HTTP status, if there was one.
    """

    def __init__(self, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class NotYet(SourceError):
    """The source has no list for the requested day yet, but may have one later."""


class BadEntry(Exception):
    """An entry that cannot be used. The text completes the sentence "It was left out: …"."""


class Withdrawn(Exception):
    """An entry that says that its paper is withdrawn."""

    def __init__(self, paper: SourcePaper) -> None:
        super().__init__(paper.key)
        self.paper = paper


@dataclass(frozen=True, slots=True)
class Validators:
    """The ETag and Last-Modified headers of a response, with which to ask for changes only."""

    etag: str = ""
    last_modified: str = ""


NOTHING_KNOWN = Validators()


@dataclass(frozen=True, slots=True)
class Download:
    """The decompressed body of a response, its Content-Type header, and where it came from.

    `url` is the address after redirects. `is_unchanged`: the server says that nothing has changed
    since the last time, and sends nothing.
    """

    body: bytes
    content_type: str = ""
    url: str = ""
    validators: Validators = NOTHING_KNOWN
    is_unchanged: bool = False


Get = Callable[[str], Download]
_Entry = TypeVar("_Entry")


class Source(Protocol):
    """A place papers come from.

    `is_daily`: it has a new batch each working day, and can be asked for one day's papers.
    """

    name: str
    is_daily: bool

    def fetch(self, day: date | None, get: Get) -> Answer:
        """Return the papers of `day`, or the latest ones. Raises SourceError."""

    def recent(self, today: date, days: int) -> list[date | None]:
        """Return what to fetch, newest first, to miss nothing of the last `days` days."""

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        """Read one saved response. Raises SourceError if it is not from this source."""


class WebSource:
    """A source that is fetched over HTTP from one or more addresses, page by page if need be."""

    name: str
    is_daily: bool
    # The HTTP status with which this source says "not yet", and what it means to the operator.
    not_yet: Mapping[int, str] = {}

    def addresses(self, day: date | None) -> list[str]:
        """Return where to find the papers of `day`, or the latest ones (None)."""
        raise NotImplementedError

    def following(self, address: str, answer: Answer) -> str | None:
        """Return the page after `address`, which gave `answer`; None after the last page."""
        return None

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        raise NotImplementedError

    def fetch(self, day: date | None, get: Get) -> Answer:
        """Return everything from all addresses as one answer.

        An address counts only as a whole: a list without its second page would look like a
        quiet day. If some addresses fail, the answer lists them as problems. If all fail, the
        first SourceError is raised.
        """
        answers: list[Answer] = []
        errors: list[SourceError] = []
        for address in self.addresses(day):
            try:
                answers.append(joined(self._pages(address, get)))
            except SourceError as error:
                errors.append(self._explained(error))
        if errors and not answers:
            raise errors[0]
        return joined([*answers, Answer(problems=[str(error) for error in errors])])

    def _pages(self, address: str, get: Get) -> Iterator[Answer]:
        page: str | None = address
        while page:
            got = get(page)
            answer = Answer() if got.is_unchanged else self.read(page, got)
            if got.validators != NOTHING_KNOWN:
                answer.validators[page] = got.validators
            yield answer
            page = self.following(page, answer)

    def read(self, address: str, got: Download) -> Answer:
        """Read what was found at `address`. Raises SourceError."""
        return self.parse(got.body, got.content_type)

    def _explained(self, error: SourceError) -> SourceError:
        meaning = self.not_yet.get(error.status or 0)
        return NotYet(meaning, status=error.status) if meaning else error


def days_back(today: date, days: int) -> list[date | None]:
    """Return `today` and the days before it, `days` in all, newest first."""
    return [today - timedelta(days=number) for number in range(days)]


def joined(answers: Iterable[Answer]) -> Answer:
    """Return several answers as one."""
    whole = Answer()
    entries = 0
    for answer in answers:
        whole.papers.extend(answer.papers)
        whole.problems.extend(answer.problems)
        whole.withdrawn.extend(answer.withdrawn)
        whole.validators.update(answer.validators)
        entries += answer.entries
    return Answer(whole.papers, whole.problems, entries, whole.withdrawn, whole.validators)


def read_each(
    name: str, entries: Iterable[_Entry], read: Callable[[_Entry], SourcePaper | None]
) -> Answer:
    """Read entry by entry, so that a bad one does not spoil the others.

    `read` returns None for an entry that is fine but not for us (a new version of a paper), and
    raises BadEntry for one that cannot be used, and Withdrawn for a paper that is withdrawn where
    its title and abstract do not say so. Papers without a title count as bad entries, and
    corrections and editorial matter are passed over. If no entry at all can be used, the source
    has changed its format: that is a SourceError, not an empty day.
    """
    papers: list[SourcePaper] = []
    withdrawn: list[SourcePaper] = []
    problems: list[str] = []
    number = 0
    for number, entry in enumerate(entries, 1):
        try:
            paper = read(entry)
            if paper and not paper.title:
                raise BadEntry("it has no title")
        except Withdrawn as said:
            withdrawn.append(said.paper)
        except BadEntry as error:
            problems.append(f"{name}: entry {number} was left out: {error}.")
        else:
            if paper and not is_no_paper(paper.title):
                is_gone = is_withdrawn(paper.title, paper.abstract)
                (withdrawn if is_gone else papers).append(paper)
    if number and len(problems) == number:
        raise SourceError(
            f"None of the {number} entries from {name} could be read, so its format may have "
            f"changed. The first problem: {problems[0]}"
        )
    return Answer(papers, problems, number, withdrawn)
