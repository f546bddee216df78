import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from digest.models import Edition, EditionPaper, Look, Paper, PaperTopic, Sighting
from digest.papers.intake import Intake, store
from digest.papers.matching import match
from digest.sources import Answer, SourcePaper
from subscribers.models import Topic

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 8, 20, 12, tzinfo=UTC)
TITLE = "Folding towels with two patient robots"


def given(number: int = 1, **fields: Any) -> SourcePaper:
    return SourcePaper(
        **{
            "key": f"arxiv:2608.{number:05}",
            "title": f"{TITLE}, part {number}",
            "url": f"https://arxiv.org/abs/2608.{number:05}",
            "abstract": "We fold.",
            "authors": ("Ada Lovelace", "Charles Babbage"),
            "num_authors": 2,
            **fields,
        }
    )


def put(*papers: SourcePaper, source: str = "huggingface", at: datetime = THURSDAY) -> Intake:
    return store(source, Answer(list(papers)), seen_at=at)


def state() -> list[Any]:
    """Return every row that intake writes."""
    tables = (Paper, Sighting, PaperTopic, Look)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_new_paper_is_kept_with_its_figures() -> None:
    assert put(given(votes=7, comments=2)) == Intake(new=1, changed=0, same=0)

    paper = Paper.objects.get()
    assert (paper.key, paper.votes, paper.comments) == ("arxiv:2608.00001", 7, 2)
    assert (paper.first_source, paper.first_seen_at) == ("huggingface", THURSDAY)
    assert paper.authors == ["Ada Lovelace", "Charles Babbage"]
    assert list(Sighting.objects.values_list("votes", "at")) == [(7, THURSDAY)]


def test_same_answer_again_changes_nothing() -> None:
    put(given(votes=7), given(2))
    before = state()

    assert put(given(votes=7), given(2)) == Intake(new=0, changed=0, same=2)
    assert state() == before


def test_paper_listed_twice_in_an_answer_is_one() -> None:
    assert put(given(), given(2), given()) == Intake(new=2, changed=0, same=0)


def test_paper_listed_on_two_days_is_one_and_keeps_its_first_time() -> None:
    put(given(votes=7))

    assert put(given(votes=7), at=THURSDAY + timedelta(days=1)) == Intake(0, 0, same=1)
    assert Paper.objects.get().first_seen_at == THURSDAY


def test_each_look_at_a_figure_is_a_sighting() -> None:
    put(given(votes=7))
    put(given(votes=12), at=THURSDAY + timedelta(hours=1))

    assert list(Sighting.objects.order_by("at").values_list("votes", flat=True)) == [7, 12]
    assert Paper.objects.get().votes == 12


def test_paper_without_figures_has_no_sighting() -> None:
    put(given(votes=7))
    put(given(), source="arxiv", at=THURSDAY + timedelta(hours=1))

    assert Sighting.objects.count() == 1
    assert Paper.objects.get().votes == 7


def test_older_figures_do_not_replace_newer_ones() -> None:
    put(given(votes=12))
    put(given(votes=7), at=THURSDAY - timedelta(days=1))

    assert Paper.objects.get().votes == 12


def test_changed_text_is_taken_over() -> None:
    put(given())

    assert put(given(title="Other towels", abstract="")) == Intake(0, changed=1, same=0)
    paper = Paper.objects.get()
    assert (paper.title, paper.title_key, paper.abstract) == (
        "Other towels",
        "othertowels",
        "We fold.",
    )


def test_second_source_fills_what_is_empty_and_changes_no_words() -> None:
    put(given(title="Towels", abstract=""), source="huggingface")

    put(given(title="$T$owels", abstract="We fold.", categories=("cs.RO",)), source="arxiv")

    paper = Paper.objects.get()
    assert (paper.title, paper.abstract, paper.categories) == ("Towels", "We fold.", ["cs.RO"])


def test_paper_known_by_its_title_is_merged_and_takes_the_better_id() -> None:
    put(given(key="url:example.org/1", url="https://example.org/1", votes=None), source="feeds")

    assert put(given(authors=("A. Lovelace",), votes=7)) == Intake(0, changed=1, same=0)
    paper = Paper.objects.get()
    assert (paper.key, paper.url) == ("arxiv:2608.00001", "https://arxiv.org/abs/2608.00001")
    assert (paper.first_source, paper.votes) == ("feeds", 7)


def test_merged_paper_stays_as_it_is_when_both_sources_are_read_again() -> None:
    feed = given(key="url:example.org/1", url="https://example.org/1", title=TITLE + ", PART 1!")
    put(feed, source="feeds")
    put(given(votes=7))
    before = state()

    assert put(feed, source="feeds") == Intake(0, 0, same=1)
    assert put(given(votes=7)) == Intake(0, 0, same=1)
    assert state() == before


def test_two_feeds_that_tell_of_one_paper_in_one_answer_make_one() -> None:
    answer = [
        given(key="url:a.org/1", url="https://a.org/1"),
        given(key="url:b.org/9", url="https://b.org/9", authors=()),
    ]

    assert put(*answer, source="feeds") == Intake(new=1, changed=0, same=0)
    assert Paper.objects.get().key == "url:a.org/1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"key": "doi:10.1000/1", "title": "Editorial"}, {"title": "Editorial"}),
        ({"key": "doi:10.1000/1", "authors": ("Grace Hopper",)}, {}),
        ({"key": "arxiv:2608.00002"}, {}),
        ({"key": "url:a.org/1"}, {"key": "url:a.org/2"}),
    ],
    ids=["generic title", "other authors", "two arXiv ids", "two links of one site"],
)
def test_different_papers_of_one_title_stay_two(one: dict[str, Any], other: dict[str, Any]) -> None:
    put(given(**one), source="feeds")

    assert put(given(**other)) == Intake(new=1, changed=0, same=0)


def test_new_figures_do_not_change_a_frozen_candidate() -> None:
    put(given(votes=7))
    edition = Edition.objects.create(date=date(2026, 8, 20))
    EditionPaper.objects.create(edition=edition, paper=Paper.objects.get(), votes=7)

    put(given(votes=30), at=THURSDAY + timedelta(hours=1))

    assert Paper.objects.get().votes == 30
    assert EditionPaper.objects.get().votes == 7


def test_answer_that_cannot_be_stored_changes_nothing() -> None:
    put(given())
    before = state()

    with pytest.raises(DataError, match="NUL"):
        put(given(votes=9), given(2, url="a\x00b"), at=THURSDAY + timedelta(hours=1))

    assert state() == before


def test_number_of_queries_does_not_depend_on_the_papers() -> None:
    def queries(numbers: range, votes: int) -> int:
        papers = [given(number, votes=votes) for number in numbers]
        with CaptureQueriesContext(connection) as context:
            put(*papers, at=THURSDAY + timedelta(hours=votes))
        return len(context)

    one, many = range(1, 2), range(100, 130)

    assert queries(one, votes=1) == queries(many, votes=1)
    assert queries(one, votes=2) == queries(many, votes=2)


def test_new_paper_gets_its_topics() -> None:
    topic = Topic.objects.create(
        slug="towel-robots",
        name="Towel robots",
        description="Robots that fold towels",
        seed_terms=["towel folding", "laundry robot"],
    )
    fillers = [given(n, title=f"Galaxy {n} and its dust lanes", abstract="") for n in range(2, 30)]
    put(*fillers)

    put(given(title="Towel folding by a laundry robot", abstract="Towel folding is hard."))

    matched = PaperTopic.objects.filter(topic=topic)
    assert [pair.paper.key for pair in matched] == ["arxiv:2608.00001"]
    assert 0 < matched.get().fit <= 1


def test_matching_again_gives_the_same_and_forgets_a_topic_that_changed() -> None:
    topic = Topic.objects.create(
        slug="towel-robots", name="Towels", description="", seed_terms=["towel folding"]
    )
    put(given(title="Towel folding by a laundry robot", abstract="Towel folding is hard."))
    papers = list(Paper.objects.all())
    fit = PaperTopic.objects.get(topic=topic).fit

    match(papers)
    assert PaperTopic.objects.get(topic=topic).fit == fit

    Topic.objects.filter(pk=topic.pk).update(name="Galaxies", seed_terms=["dust lane"])
    match(papers)
    assert not PaperTopic.objects.filter(topic=topic).exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_store_the_same_answer_store_it_once() -> None:
    papers = [given(number, votes=1) for number in range(20)]

    at_once(4, lambda: put(*papers))

    assert Paper.objects.count() == 20
    assert Sighting.objects.count() == 20


def at_once(count: int, work: Callable[[], object]) -> None:
    """Run `work` in some threads, each with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- texts ---------------------------------------------------------------------------------
def test_texts_are_kept_as_readers_see_them() -> None:
    put(given(title=r"In $\mathcal{O}(n^2)$ \textbf{steps}", abstract=r"We reach 36\% more."))

    paper = Paper.objects.get()

    assert (paper.title, paper.abstract) == ("In 𝒪(n²) steps", "We reach 36% more.")


@pytest.mark.parametrize(
    "title", ["in O(n2) steps of patient robots", "In O(n²) Steps: of patient robots"]
)
def test_title_in_latex_and_in_plain_characters_is_one(title: str) -> None:
    put(given(title=r"In $\mathcal{O}(n^2)$ steps of \emph{patient} robots"))

    other = given(key="url:example.org/1", url="https://example.org/1", title=title)

    assert put(other, source="feeds") == Intake(new=0, changed=0, same=1)


def test_title_of_the_feed_is_kept_with_its_papers() -> None:
    feed: dict[str, Any] = {"key": "url:example.org/1", "url": "https://example.org/1"}
    put(given(**feed, source_title="Journal of Towels"), source="feeds")

    assert Paper.objects.get().source_title == "Journal of Towels"


def test_only_the_first_source_may_add_its_title_later() -> None:
    put(given(), given(2))

    put(given(source_title="Some Feed"), source="feeds")
    put(given(2, source_title="Its Title"))

    titles = Paper.objects.order_by("key").values_list("source_title", flat=True)
    assert list(titles) == ["", "Its Title"]


# --- older rows ----------------------------------------------------------------------------
def test_stored_latex_is_converted_once() -> None:
    migration = import_module("digest.migrations.0013_make_texts_presentable")
    put(given(), *(given(number) for number in range(2, 4)))
    raw = {"title": r"In $\mathcal{O}(n^2)$ steps", "title_key": "inmathcalon2steps"}
    Paper.objects.filter(key="arxiv:2608.00001").update(abstract=r"36\% more", **raw)
    untouched = Paper.objects.exclude(key="arxiv:2608.00001").order_by("pk")
    before = list(untouched.values())

    for _ in range(2):
        migration.make_texts_presentable(apps, None)

        paper = Paper.objects.get(key="arxiv:2608.00001")
        assert (paper.title, paper.abstract) == ("In 𝒪(n²) steps", "36% more")
        assert (paper.title_key, paper.features) == ("inon2steps", None)
        assert list(untouched.values()) == before
