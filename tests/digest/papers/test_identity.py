"""One paper under several names, papers that are withdrawn, and papers that are old."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from digest.choosing.composing import Request, compose
from digest.models import EditionPaper, Paper, PaperKey
from digest.papers.editions import close, waiting_papers
from digest.papers.intake import Intake, store
from digest.sources import Answer, get_source
from digest.sources.feed import Feeds
from tests.digest.papers.test_intake import THURSDAY, given, put
from tests.digest.sources.field import sent
from tests.digest.sources.test_feed import RSS
from tests.factories import make_edition, make_paper, make_reader

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FOLDED = "Instruction tuning of patient towel folders"


def entry(link: str, *, title: str = FOLDED, guid: str = "", more: str = "") -> str:
    said = f'<guid isPermaLink="false">{guid}</guid>' if guid else ""
    return f"<item><title>{title}</title><link>{link}</link>{said}{more}</item>"


def read(*entries: str, at: datetime = THURSDAY) -> Intake:
    answer = Feeds([]).parse(RSS.format("".join(entries)).encode())
    return store("feeds", answer, seen_at=at)


def titles(papers: Iterable[Paper]) -> list[str]:
    return [paper.title for paper in papers]


# --- one paper -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"link": "https://lab.org/news/1", "guid": "tag:lab.org,2026:1"},) * 2,
        (
            {"link": "https://lab.org/news/1", "guid": "tag:lab.org,2026:1"},
            {"link": "https://lab.org/old/1", "guid": "tag:lab.org,2026:1"},
        ),
        (
            {"link": "https://lab.org/news/1", "guid": "77"},
            {"link": "https://lab.org/old/1", "guid": "77", "title": FOLDED + ", revised"},
        ),
        (
            {"link": "https://www.researchsquare.com/article/rs-7/v1"},
            {"link": "https://www.researchsquare.com/article/rs-7/v2"},
        ),
        (
            {"link": "https://www.biorxiv.org/content/10.1101/2026.11.20.7v1?rss=1"},
            {"link": "https://www.biorxiv.org/content/10.1101/2026.11.20.7v2?rss=1", "title": "X"},
        ),
        (
            {"link": "https://zenodo.org/records/7654321"},
            {"link": "https://zenodo.org/records/7654399"},
        ),
        ({"link": "https://lab.org/1"}, {"link": "http://www.lab.org/1/?utm_source=rss#top"}),
        ({"link": "https://lab.org/1?v=s1"}, {"link": "https://lab.org/1?v=s2"}),
        ({"link": "https://lab.org/1/v1"}, {"link": "https://lab.org/1/v2"}),
        (
            {"link": "https://lab.org/1"},
            {"link": "https://j.org/1", "more": "<dc:identifier>doi:10.1000/1</dc:identifier>"},
        ),
        (
            {"link": "https://doi.org/10.21203/rs.3.rs-7/v1"},
            {"link": "https://doi.org/10.1000/journal.7"},
        ),
    ],
)
def test_paper_under_another_name_is_the_same(
    first: dict[str, str], second: dict[str, str]
) -> None:
    read(entry(**first))
    close(THURSDAY.date(), now=THURSDAY)

    read(entry(**second), at=THURSDAY + DAY)
    again = read(entry(**second), at=THURSDAY + 2 * DAY)

    assert Paper.objects.count() == 1
    assert (again.new, again.changed) == (0, 0)
    assert not waiting_papers().exists()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"link": "https://lab.org/1?id=1"}, {"link": "https://lab.org/1?id=2", "title": "Other"}),
        (
            {"link": "https://lab.org/1?id=1", "title": "Editorial notes"},
            {"link": "https://lab.org/1?id=2", "title": "Editorial notes"},
        ),
        (
            {"link": "https://lab.org/1", "guid": "77"},
            {"link": "https://lab.org/2", "guid": "77", "title": "On glass and the seas"},
        ),
        (
            {"link": "https://a.org/1", "guid": "77"},
            {"link": "https://b.org/1", "guid": "77", "title": FOLDED + " and more"},
        ),
        (
            {"link": "https://doi.org/10.1000/1"},
            {"link": "https://doi.org/10.1000/2"},
        ),
        (
            {"link": "https://lab.org/1", "more": "<dc:creator>Ada Lovelace</dc:creator>"},
            {"link": "https://b.org/1", "more": "<dc:creator>Grace Hopper</dc:creator>"},
        ),
    ],
)
def test_different_papers_stay_two(first: dict[str, str], second: dict[str, str]) -> None:
    read(entry(**first))
    read(entry(**second), at=THURSDAY + DAY)

    assert Paper.objects.count() == 2


def test_moved_link_is_taken_over() -> None:
    read(entry("https://lab.org/news/1", guid="77"))
    read(entry("https://lab.org/archive/1", guid="77"))

    paper = Paper.objects.get()
    assert (paper.key, paper.url) == ("url:lab.org/news/1", "https://lab.org/archive/1")


@pytest.mark.parametrize(
    "names", ["Lovelace A", "A. Lovelace, C. Babbage", "Lovelace, A.; de la Cruz, S."]
)
def test_paper_is_known_by_its_title_and_an_author_however_written(names: str) -> None:
    put(given(title=FOLDED))

    read(entry("https://j.org/1", more=f"<dc:creator>{names}</dc:creator>"))

    assert Paper.objects.get().key == "arxiv:2608.00001"


def test_names_of_a_paper_do_not_grow_for_ever() -> None:
    for number in range(60):
        read(entry(f"https://lab.org/{number}", guid="77"))

    assert Paper.objects.count() == 1
    assert PaperKey.objects.count() <= 32


@pytest.mark.parametrize(
    ("first", "second"), [("twice_1", "twice_2"), ("rsquare_v1", "rsquare_v2")]
)
def test_papers_of_the_field_that_come_again_are_the_same(first: str, second: str) -> None:
    for number, name in enumerate((first, second)):
        answer = get_source("feeds").parse(sent(f"feeds/{name}.xml"))
        store("feeds", answer, seen_at=THURSDAY + number * DAY)
        close(THURSDAY.date() + number * DAY, now=THURSDAY + number * DAY)

    assert Paper.objects.count() == EditionPaper.objects.count() == len(answer.papers)
    assert set(EditionPaper.objects.values_list("edition__date", flat=True)) == {THURSDAY.date()}


def test_older_rows_get_the_keys_of_today_once() -> None:
    migration = import_module("digest.migrations.0020_name_all_versions_alike")
    for key, url in (
        ("doi:10.21203/rs.3.rs-7/v1", "https://doi.org/10.21203/rs.3.rs-7/v1"),
        ("doi:10.21203/rs.3.rs-7/v2", "https://doi.org/10.21203/rs.3.rs-7/v2"),
        ("url:lab.org/1?af=R", "https://lab.org/1?af=R"),
        ("doi:10.1000/x", "https://doi.org/10.1000/x"),
    ):
        put(given(key=key, url=url, title=f"{FOLDED} {key}"), source="feeds")

    for _ in range(2):
        migration.name_all_versions_alike(apps, None)

        assert set(Paper.objects.values_list("key", flat=True)) == {
            "doi:10.21203/rs.3.rs-7",
            "doi:10.21203/rs.3.rs-7/v2",
            "url:lab.org/1",
            "doi:10.1000/x",
        }
    assert PaperKey.objects.filter(key="doi:10.21203/rs.3.rs-7/v1").exists()


# --- withdrawn -----------------------------------------------------------------------------
def withdraw(*papers: Any, source: str = "arxiv") -> None:
    store(source, Answer(withdrawn=list(papers)), seen_at=THURSDAY + DAY)


def test_withdrawal_reaches_the_waiting_paper() -> None:
    put(given(), given(2))

    withdraw(given())

    assert [paper.key for paper in waiting_papers()] == ["arxiv:2608.00002"]
    assert Paper.objects.get(key="arxiv:2608.00001").set_aside == Paper.Aside.WITHDRAWN


def test_withdrawn_paper_does_not_come_back_with_the_next_look() -> None:
    put(given(votes=7))
    withdraw(given())

    put(given(votes=9), at=THURSDAY + 2 * DAY)

    assert not waiting_papers().exists()


def test_withdrawal_of_an_unknown_paper_is_passed_over() -> None:
    withdraw(given())

    assert not Paper.objects.exists()


def test_withdrawal_at_arxiv_is_read_after_the_paper() -> None:
    source = get_source("arxiv", arxiv_categories=["cs.CL"])
    for number, name in enumerate(("arxiv_before", "arxiv_after")):
        answer = source.parse(sent(f"arxiv/{name}.xml"))
        store("arxiv", answer, seen_at=THURSDAY + number * DAY)

    assert Paper.objects.count() == 1
    assert not waiting_papers().exists()


@pytest.mark.parametrize(
    "title",
    [
        f"WITHDRAWN: {FOLDED}",
        f"Retraction Note: {FOLDED}",
        f"Retraction notice to “{FOLDED}”",
        f"{FOLDED} [Retracted]",
    ],
)
@pytest.mark.parametrize("link", ["https://lab.org/1", "https://lab.org/notices/9"])
def test_notice_sets_the_paper_that_it_names_aside(title: str, link: str) -> None:
    read(entry("https://lab.org/1"), entry("https://lab.org/2", title="Another paper of the lab"))

    read(entry(link, title=title))

    assert titles(waiting_papers()) == ["Another paper of the lab"]


def test_notice_of_another_source_does_not_reach_a_paper_by_its_title() -> None:
    put(given(title=FOLDED))

    read(entry("https://lab.org/notices/9", title=f"Retraction: {FOLDED}"))

    assert titles(waiting_papers()) == [FOLDED]


def test_correction_withdraws_nothing_and_is_no_paper() -> None:
    read(entry("https://lab.org/1"))

    read(entry("https://lab.org/notices/9", title=f"Author Correction: {FOLDED}"))

    assert titles(waiting_papers()) == [FOLDED]


def test_paper_withdrawn_after_its_edition_closed_is_in_no_digest() -> None:
    papers = [make_paper(title=f"Towels, volume {number}") for number in range(4)]
    edition = make_edition(papers)
    reader = make_reader()
    request = Request(reader.pk, edition.pk, reader.pk, "daily", 4, "en", False, None)

    def chosen() -> set[int]:
        [composed] = compose([request], vote_weight=0.02, least=1)
        return set(composed.paper_ids)

    assert papers[0].pk in chosen()

    store("arxiv", Answer(withdrawn=[given(key=papers[0].key)]), seen_at=THURSDAY)

    assert chosen() == {paper.pk for paper in papers[1:]}


# --- old -----------------------------------------------------------------------------------
def dated(number: int, at: datetime) -> str:
    said = f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
    return entry(f"https://lab.org/{number}", title=f"{FOLDED}, part {number}", more=said)


def test_what_is_old_when_first_seen_goes_into_no_edition() -> None:
    years = range(2010, 2020)
    old = [
        dated(year * 100 + n, datetime(year, 3, 4, tzinfo=UTC)) for year in years for n in range(20)
    ]

    read(*old, dated(1, THURSDAY - DAY), entry("https://lab.org/2", title="Without a date"))

    assert Paper.objects.count() == 202
    assert set(titles(waiting_papers())) == {f"{FOLDED}, part 1", "Without a date"}
    edition = close(THURSDAY.date(), now=THURSDAY)
    assert edition is not None
    assert edition.candidates.count() == 2


def test_paper_stays_news_however_long_it_waits_and_old_however_often_it_is_read() -> None:
    items = [dated(1, THURSDAY - DAY), dated(2, THURSDAY - 400 * DAY)]

    for days in (0, 100):
        read(*items, at=THURSDAY + days * DAY)

        assert titles(waiting_papers()) == [f"{FOLDED}, part 1"]


def test_old_paper_is_news_again_when_another_source_lists_it() -> None:
    read(dated(1, THURSDAY - 400 * DAY))

    put(given(title=f"{FOLDED}, part 1", votes=40, published_at=THURSDAY - 400 * DAY))

    assert [paper.votes for paper in waiting_papers()] == [40]
