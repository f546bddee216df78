"""What every source has in common: what comes out of it, and what can go wrong."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePaper:
    """A paper as a source told of it, its texts clean and within their limits.

    `key` is the paper's identity over all sources: ``arxiv:2405.15738``, ``doi:…``,
    ``url:…``. `authors` may be shorter than `num_authors` says. A figure that is None, and a
    text that is empty, means that the source does not say.
    """

    key: str
    title: str
    url: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    num_authors: int = 0
    published_at: datetime | None = None
    submitted_at: datetime | None = None
    votes: int | None = None
    comments: int | None = None
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    code_url: str = ""
    organization: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said. `entries` counts all it listed, also those we do not take.

    `problems` has one sentence for each entry, or each address, that had to be left out.
    """

    papers: list[SourcePaper] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    entries: int = 0


class SourceError(Exception):
    """A source that could not be read; the text says what happened and who can act.

    `permanent`: asking again the same way is no use. `retry_after`: seconds that the source
    asked us to wait. `status`: the HTTP status, where there was one.
    """

    def __init__(
        self,
        text: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.retry_after = retry_after
        self.status = status


class NotYet(SourceError):
    """The source has no list for the day that was asked for, and may have one later."""


class BadEntry(Exception):
    """One entry of an answer that cannot be used; the text says why, in half a sentence."""


@dataclass(frozen=True, slots=True)
class Download:
    """The body of an answer, decompressed, and what its Content-Type header said."""

    body: bytes
    content_type: str = ""


Get = Callable[[str], Download]
_Entry = TypeVar("_Entry")


class Source(Protocol):
    """A place papers come from.

    `is_daily`: it has a new batch each working day, and can be asked for one day's papers.
    """

    name: str
    is_daily: bool

    def fetch(self, day: date | None, get: Get) -> Answer:
        """Ask for the papers of `day`, or for the latest. Raises SourceError."""

    def recent(self, today: date, days: int) -> list[date | None]:
        """What to ask for, the newest first, to miss nothing of the last `days` days."""

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        """Read one saved answer. Raises SourceError if it is none of this source's."""


class WebSource:
    """A source that is asked over HTTP: some addresses, each of them with pages perhaps."""

    name: str
    is_daily: bool
    # The HTTP status by which this source says "not yet", with words for the operator.
    not_yet: Mapping[int, str] = {}

    def addresses(self, day: date | None) -> list[str]:
        """Where the papers of `day` (None: the latest) stand."""
        raise NotImplementedError

    def following(self, address: str, answer: Answer) -> str | None:
        """The page after the one at `address`, which said `answer`; None: it was the last."""
        return None

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        raise NotImplementedError

    def fetch(self, day: date | None, get: Get) -> Answer:
        """Everything from all addresses, as one answer.

        An address is read as a whole or not at all: a list that lacks its second page would
        look like a quiet day. One of several addresses that fails is a problem in the
        answer; if all of them fail, the first SourceError is raised.
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
            answer = self.parse(got.body, got.content_type)
            yield answer
            page = self.following(page, answer)

    def _explained(self, error: SourceError) -> SourceError:
        words = self.not_yet.get(error.status or 0)
        return NotYet(words, permanent=True, status=error.status) if words else error


def days_back(today: date, days: int) -> list[date | None]:
    """`today` and the days before it, `days` in all, the newest first."""
    return [today - timedelta(days=number) for number in range(days)]


def joined(answers: Iterable[Answer]) -> Answer:
    """Several answers as one."""
    whole = Answer()
    entries = 0
    for answer in answers:
        whole.papers.extend(answer.papers)
        whole.problems.extend(answer.problems)
        entries += answer.entries
    return Answer(whole.papers, whole.problems, entries)


def read_each(
    name: str, entries: Iterable[_Entry], read: Callable[[_Entry], SourcePaper | None]
) -> Answer:
    """Read entry by entry; a bad one does not spoil the others.

    `read` answers None for an entry that is fine and not for us (a paper's new version, a
    withdrawn paper), and raises BadEntry for one that cannot be used. When no entry at all can
    be used, the format has changed under us: that is a SourceError, not an empty day.
    """
    papers: list[SourcePaper] = []
    problems: list[str] = []
    number = 0
    for number, entry in enumerate(entries, 1):
        try:
            paper = read(entry)
        except BadEntry as error:
            problems.append(f"{name}: entry {number} was left out: {error}.")
        else:
            papers.extend([paper] if paper else [])
    if number and len(problems) == number:
        raise SourceError(
            f"None of the {number} entries from {name} could be read, so its format may have "
            f"changed. The first problem: {problems[0]}",
            permanent=True,
        )
    return Answer(papers, problems, number)
