"""Public pages and the sign-up form at fifty requests per second, on one gunicorn process."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from statistics import median, quantiles
from urllib.parse import urlencode

from django.utils import timezone
from rich.table import Table

from digest.models import Edition, EditionPaper, Paper, PaperTopic, Sighting
from subscribers.forms import opened_now
from subscribers.models import Subscriber
from tests.benchmarks.load import CANDIDATES
from tests.factories import abstract_of, starter_topics

PER_SECOND, SECONDS = 50, 4.0
EDITIONS = 40
WORDS = (
    *("sparse", "dense", "robot", "hand", "protein", "graph", "reward", "speech", "music"),
    *("image", "video", "retrieval", "token", "proof", "planning", "memory", "agent", "safety"),
)
# All these sign-ups come from one machine within a minute.
WITHOUT_CAPS = dict.fromkeys(
    ("SIGNUPS_PER_NETWORK", "SIGNUPS_PER_DOMAIN", "CONFIRMATIONS_PER_HOUR"), "1000000"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request took: CPU of the process, time in the server, and time for the visitor.

    The visitor's time includes waiting for the process to be free.
    """

    status: int
    queries: int
    cpu_ms: float
    server_ms: float
    visitor_ms: float


@dataclass(frozen=True, slots=True)
class Page:
    """What to request: by GET, or by POST if there are `bodies`, one for each request.

    With `is_new`, every address differs, which keeps the cache from answering: public pages are
    cached for a minute.
    """

    name: str
    path: str
    status: int = 200
    bodies: Sequence[str] = ()
    is_new: bool = False


def run() -> Table:
    paper = _fill(Random(1))
    number = int(PER_SECOND * SECONDS)
    signups = [_signup(place) for place in range(number)]
    with gunicorn(WITHOUT_CAPS) as port:
        nothing, *measured = [
            (page, _ask(port, page, number))
            for page in (
                Page("a view that renders nothing", "/nothing"),
                Page("sign-up, the form", "/"),
                Page("sign-up, sent", "/signup/", status=302, bodies=signups),
                Page("today, made anew", "/today", is_new=True),
                Page("today", "/today"),
                Page("a topic, made anew", "/topics/retrieval", is_new=True),
                Page("a paper, made anew", f"/papers/{paper.pk}/", is_new=True),
                Page("search, made anew", "/search?q=sparse+robot", is_new=True),
                Page("search, an author, made anew", "/search?q=ada3+name77", is_new=True),
                Page("search, misspelt, made anew", "/search?q=sparce+robbot", is_new=True),
            )
        ]
    assert Subscriber.objects.count() == number
    base = median(answer.server_ms for answer in nothing[1])
    table = Table(
        f"one process, {PER_SECOND} requests a second",
        *("queries", "ms of CPU", "ms, p50", "ms, p95", "ms with waiting, p95", "x nothing"),
    )
    for page, answers in [nothing, *measured]:
        table.add_row(page.name, *_figures(answers, base))
    return table


def _figures(answers: Sequence[Answer], base: float) -> list[str]:
    server = [answer.server_ms for answer in answers]
    visitor = [answer.visitor_ms for answer in answers]
    queries = sorted({answer.queries for answer in answers})
    return [
        "-".join(str(number) for number in {queries[0]: 0, queries[-1]: 0}),
        f"{median(answer.cpu_ms for answer in answers):.1f}",
        f"{median(server):.1f}",
        f"{quantiles(server, n=20)[-1]:.1f}",
        f"{quantiles(visitor, n=20)[-1]:.1f}",
        f"{median(server) / base:.1f}",
    ]


# --- requests ------------------------------------------------------------------------------
def _ask(port: int, page: Page, number: int) -> list[Answer]:
    """Send `number` requests at even intervals, without waiting for earlier responses."""
    start = time.perf_counter() + 0.2
    with ThreadPoolExecutor(32) as pool:
        _warm_up(port, page)
        asked = [
            pool.submit(_answer, port, page, start + place / PER_SECOND, place)
            for place in range(number)
        ]
        answers = [future.result() for future in asked]
    assert {answer.status for answer in answers} == {page.status}, page
    return answers


def _warm_up(port: int, page: Page) -> None:
    """Make the first request, which has templates and much else to load."""
    _answer(port, Page(page.name, page.path), 0.0, 0)


def _answer(port: int, page: Page, at: float, place: int) -> Answer:
    time.sleep(max(0.0, at - time.perf_counter()))
    body = page.bodies[place] if page.bodies else ""
    path = f"{page.path}{'&' if '?' in page.path else '?'}n={place}" if page.is_new else page.path
    begin = time.perf_counter()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": "news.example.org"}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    line.request("POST" if body else "GET", path, body or None, headers)
    response = line.getresponse()
    response.read()
    line.close()
    return Answer(
        response.status,
        int(response.headers["X-Queries"]),
        float(response.headers["X-Cpu"]),
        float(response.headers["X-Milliseconds"]),
        (time.perf_counter() - begin) * 1000,
    )


@contextmanager
def gunicorn(environ: Mapping[str, str], *, processes: int = 1) -> Iterator[int]:
    """Run processes that serve one request at a time; yield the port they listen on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "--worker-class", "sync", "--no-control-socket"),
            *("--workers", str(processes), "--bind", f"127.0.0.1:{port}", "--log-level", "warning"),
            "tests.benchmarks.site",
        ],
        env={**os.environ, **environ},
    )
    try:
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


# --- data ----------------------------------------------------------------------------------
def _signup(place: int) -> str:
    """Return a filled-in form. Each has its own proof of when it was opened."""
    email = f"visitor{place}@dest.example"
    opened = opened_now(least=timedelta(0))
    return urlencode({"email": email, "topics": "retrieval", "zone": "UTC", "opened": opened})


def _fill(chance: Random) -> Paper:
    """Create an archive of some weeks, with figures for each paper; return a paper of today's."""
    topics = starter_topics()
    today = timezone.now().replace(microsecond=0)
    for back in reversed(range(EDITIONS)):
        at = today - timedelta(days=back)
        papers = Paper.objects.bulk_create(
            Paper(
                key=f"arxiv:{back}.{number}",
                title=f"{' '.join(chance.sample(WORDS, 5)).capitalize()}, {back}.{number}",
                title_key=f"{back}{number}",
                abstract=abstract_of(number, sentences=8),
                authors=[f"Ada{n} Name{chance.randrange(500)}" for n in range(8)],
                num_authors=8,
                url=f"https://arxiv.org/abs/{back}.{number}",
                first_source="huggingface",
                first_seen_at=at - timedelta(hours=20),
                votes=chance.randrange(80),
            )
            for number in range(CANDIDATES)
        )
        edition = Edition.objects.create(date=at.date(), closed_at=at)
        fits = [chance.sample(topics, 2) for _ in papers]
        PaperTopic.objects.bulk_create(
            PaperTopic(paper=paper, topic=topic, fit=0.7)
            for paper, about in zip(papers, fits, strict=True)
            for topic in about
        )
        EditionPaper.objects.bulk_create(
            EditionPaper(
                edition=edition, paper=paper, votes=paper.votes, fits={str(about[0].pk): 0.7}
            )
            for paper, about in zip(papers, fits, strict=True)
        )
        Sighting.objects.bulk_create(
            Sighting(paper=paper, source="huggingface", at=at - timedelta(hours=hour), votes=hour)
            for paper in papers
            for hour in range(20, 0, -1)
        )
    return papers[0]
