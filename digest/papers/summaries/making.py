"""Having sentences made for the papers that wait for an edition.

Each request is reserved first, in the day's budget and as a row, and then made: a worker that is
killed has spent what it reserved, and nobody asks for the same again. Only the main thread uses the
database; the others only wait for the endpoint.
"""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, date, timedelta

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db.models import F, Max, Q
from django.db.models.functions import Now
from django.utils import timezone

from digest.models import Paper, Summary, SummaryDay
from digest.papers.checking import fault_of, is_spoken_to, tidied
from digest.papers.editions import waiting_papers
from digest.papers.sentences import of_source
from subscribers.database import Lock, only_one
from subscribers.models import Subscriber

from .asking import Answer, Endpoint, NoAnswer, ask, messages_for, most_tokens

logger = logging.getLogger(__name__)

MOST_TRIES = 3
# How long a request that failed waits, and an endpoint that seems to be down.
_PAUSE, _DOWN = timedelta(minutes=2), timedelta(minutes=5)
# So many failures in a row mean that it is down, whatever it says.
_IN_A_ROW = 3
_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is under way, and what was reserved for it."""

    summary: Summary
    about: str
    day: date
    tokens: int


@dataclass
class _Run:
    """The requests under way, and whether the endpoint seems to work."""

    endpoint: Endpoint
    under_way: dict[Future[Answer], Asked] = field(default_factory=dict)
    failures: int = 0
    is_over: bool = False
    made: int = 0


def is_due() -> bool:
    """Whether there is a model, and a paper for which it has something to do."""
    return _is_set() and not _is_waiting() and next(_wanted(), None) is not None


def make(*, seconds: float) -> int:
    """Ask for sentences for so long. Returns how many were made.

    Takes up to `settings.SUMMARIES_SECONDS` longer, for the answers. Safe to run twice at once: the
    second does nothing.
    """
    with only_one(Lock.MAKING_SUMMARIES) as is_ours:
        if not is_ours or not _is_set() or _is_waiting():
            return 0
        run = _Run(_endpoint())
        with ThreadPoolExecutor(settings.SUMMARIES_AT_ONCE) as pool:
            _ask_all(run, pool, until=time.monotonic() + seconds)
    return run.made


def _is_set() -> bool:
    return bool(settings.SUMMARIES_URL and settings.SUMMARIES_MODEL)


def _endpoint() -> Endpoint:
    return Endpoint(
        settings.SUMMARIES_URL,
        settings.SUMMARIES_MODEL,
        settings.SUMMARIES_KEY,
        settings.SUMMARIES_SECONDS,
        _limit_of.get(settings.SUMMARIES_URL, "max_tokens"),
    )


# What an endpoint calls the most tokens, as far as this process has learnt.
_limit_of: dict[str, str] = {}


# --- which ---------------------------------------------------------------------------------
def _wanted() -> Iterator[tuple[Paper, str]]:
    """Yield the papers and languages that want a sentence, the most voted paper first."""
    languages = _languages()
    papers = waiting_papers().defer("search", "names", "features")[:_AT_A_TIME]
    rows = Summary.objects.filter(paper__in=papers.values("pk")).filter(
        Q(is_settled=True) | Q(tries__gte=MOST_TRIES) | Q(asked_at__gt=Now() - _PAUSE)
    )
    done = set(rows.values_list("paper_id", "language"))
    for paper in papers:
        if not paper.abstract or is_spoken_to(f"{paper.title} {paper.abstract}"):
            continue
        has_own = of_source(paper) is not None
        for language in languages:
            if (paper.pk, language) not in done and not (has_own and language == "en"):
                yield paper, language


def _languages() -> list[str]:
    """The languages that somebody reads, and the site's own."""
    read = set(Subscriber.objects.active().values_list("language", flat=True).distinct())
    read.add(settings.LANGUAGE_CODE)
    return [code for code, _name in settings.LANGUAGES if code in read]


# --- the budget ----------------------------------------------------------------------------
def _is_waiting() -> bool:
    """Whether the endpoint is left alone for a while."""
    until = SummaryDay.objects.aggregate(until=Max("wait_until"))["until"]
    return until is not None and until > timezone.now()


def _today() -> date:
    return timezone.now().astimezone(UTC).date()


def _reserve(tokens: int) -> date | None:
    """Reserve a request of so many tokens in the day's budget. Returns the day, None if it is
    spent."""
    day = _today()
    SummaryDay.objects.get_or_create(day=day)
    free = SummaryDay.objects.filter(
        day=day,
        requests__lt=settings.SUMMARIES_PER_DAY,
        tokens__lte=settings.SUMMARIES_TOKENS_PER_DAY - tokens,
    )
    is_free = free.update(requests=F("requests") + 1, tokens=F("tokens") + tokens)
    return day if is_free else None


def _correct(asked: Asked, answer: Answer) -> None:
    """Have the budget know what the request really took, if the endpoint says so."""
    if answer.tokens is not None:
        change = answer.tokens - asked.tokens
        SummaryDay.objects.filter(day=asked.day).update(tokens=F("tokens") + change)


# --- asking --------------------------------------------------------------------------------
def _ask_all(run: _Run, pool: ThreadPoolExecutor, *, until: float) -> None:
    wanted = _wanted()
    while True:
        while not run.is_over and len(run.under_way) < settings.SUMMARIES_AT_ONCE:
            if time.monotonic() >= until or not _ask_next(run, pool, wanted):
                run.is_over = True
        if not run.under_way:
            return
        done, _ = wait(run.under_way, return_when=FIRST_COMPLETED)
        for future in done:
            _take(run, run.under_way.pop(future), future)


def _ask_next(run: _Run, pool: ThreadPoolExecutor, wanted: Iterator[tuple[Paper, str]]) -> bool:
    """Begin the next request. Returns whether there is one, and something left to spend."""
    paper, language = next(wanted, (None, ""))
    if paper is None:
        return False
    messages = messages_for(paper.title, paper.abstract, LANG_INFO[language]["name"])
    tokens = most_tokens(messages)
    day = _reserve(tokens)
    if day is None:
        logger.info("The day's budget for summaries is spent.")
        return False
    summary, _ = Summary.objects.get_or_create(
        paper=paper, language=language, defaults={"model": run.endpoint.model[:120]}
    )
    Summary.objects.filter(pk=summary.pk).update(
        tries=F("tries") + 1, asked_at=Now(), problem="It was not finished."
    )
    about = f"{paper.title} {paper.abstract}"
    future = pool.submit(ask, run.endpoint, messages)
    run.under_way[future] = Asked(summary, about, day, tokens)
    return True


def _take(run: _Run, asked: Asked, future: Future[Answer]) -> None:
    """Store what came of a request. A sentence that fails a check is not asked for again."""
    try:
        answer = future.result()
    except NoAnswer as error:
        _note(asked.summary, problem=str(error), is_settled=False)
        _on_failure(run, error)
        return
    run.failures = 0
    _correct(asked, answer)
    text = tidied(answer.text)
    fault = fault_of(text, asked.summary.language, asked.about)
    if fault:
        logger.info("A summary of paper %s is not shown: %s", asked.summary.paper_id, fault)
    run.made += not fault
    _note(asked.summary, text="" if fault else text, problem=fault, is_settled=True)


def _note(summary: Summary, *, problem: str, is_settled: bool, text: str = "") -> None:
    Summary.objects.filter(pk=summary.pk).update(
        text=text,
        problem=problem[:200],
        is_settled=is_settled,
        model=settings.SUMMARIES_MODEL[:120],
    )


def _on_failure(run: _Run, error: NoAnswer) -> None:
    if error.other_limit:
        _limit_of[run.endpoint.url] = "max_completion_tokens"
        run.endpoint = replace(run.endpoint, limit="max_completion_tokens")
    run.failures += 1
    if error.is_down or run.failures >= _IN_A_ROW:
        run.is_over = True
        until = timezone.now() + max(_DOWN, timedelta(seconds=error.wait))
        SummaryDay.objects.filter(day=_today()).update(wait_until=until)
        logger.warning("Summaries are not asked for until %s: %s", f"{until:%H:%M}", error)
