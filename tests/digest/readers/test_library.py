"""The page "Papers you like": importing the reader's own library."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from digest.models import Vote
from digest.readers import bibliography, examples
from digest.readers.votes import vote
from subscribers.models import Subscriber
from tests.digest.choosing.liking import bibtex, path_of, titled, votes
from tests.factories import make_paper, make_reader

pytestmark = pytest.mark.django_db

MAIL, EXAMPLE, IMPORT = Vote.Origin.MAIL, Vote.Origin.EXAMPLE, Vote.Origin.IMPORT


@pytest.fixture
def reader() -> Subscriber:
    return make_reader()


def test_known_papers_of_a_pasted_library_count(client: Client, reader: Subscriber) -> None:
    known = titled(1, 2)
    pasted = (
        f"{bibtex(*known)}\n@misc{{x, title = {{What we never had in an edition}}}} @misc{{y, z}}"
    )

    answer = client.post(path_of(reader), {"pasted": pasted, "library": "1"})

    assert answer["Location"] == f"{path_of(reader)}?known=2&of=4&bad=1"
    assert votes() == [(paper.pk, 1, IMPORT) for paper in known]
    html = client.get(answer["Location"]).content.decode()
    assert "We know 2 of its 4 entries" in html
    assert "1 entry could not be read." in html


def test_a_file_and_pasted_text_both_count(client: Client, reader: Subscriber) -> None:
    by_title, by_key = *titled(1), make_paper(key="arxiv:2405.15738")
    file = SimpleUploadedFile("library.bib", bibtex(by_title).encode())
    pasted = '[{"title": "Other", "URL": "https://arxiv.org/abs/2405.15738"}]'

    client.post(path_of(reader), {"file": file, "pasted": pasted, "library": "1"})

    assert votes() == [(by_title.pk, 1, IMPORT), (by_key.pk, 1, IMPORT)]


def test_a_library_changes_no_earlier_vote(reader: Subscriber) -> None:
    liked, disliked, new = titled(1, 2, 3)
    examples.pick(reader, [liked.pk], timezone.now())
    vote(reader, disliked, Vote.Value.LESS, MAIL, timezone.now())
    entries = bibliography.read(bibtex(liked, disliked, new).encode())

    done = [examples.add_library(reader, entries, timezone.now()) for _ in range(2)]

    assert done == [examples.Imported(3, 3, 0)] * 2
    assert votes() == [(liked.pk, 1, EXAMPLE), (disliked.pk, -1, MAIL), (new.pk, 1, IMPORT)]


def test_only_the_newest_papers_of_a_large_library_count(reader: Subscriber) -> None:
    papers = titled(*range(examples.MOST_FROM_LIBRARY + 2))
    for age, paper in enumerate(papers):
        paper.first_seen_at = timezone.now() - timedelta(days=age)
        paper.save(update_fields=["first_seen_at"])

    for half in (papers[:1], papers[1:]):
        examples.add_library(reader, bibliography.read(bibtex(*half).encode()), timezone.now())

    assert [paper_id for paper_id, *_ in votes()] == [paper.pk for paper in papers[:-2]]


def test_ten_libraries_an_hour_are_read_and_no_more(client: Client, reader: Subscriber) -> None:
    (paper,) = titled(1)
    pasted = {"library": "1", "pasted": bibtex(paper)}

    answers = [client.post(path_of(reader), pasted) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [303] * 10 + [200]
    assert "Nothing was imported." in answers[-1].content.decode()
    assert votes() == [(paper.pk, 1, IMPORT)]


def test_a_library_can_be_forgotten(client: Client, reader: Subscriber) -> None:
    one, two = titled(1, 2)
    examples.pick(reader, [one.pk], timezone.now())
    client.post(path_of(reader), {"pasted": bibtex(two), "library": "1"})
    assert len(votes()) == 2

    answer = client.post(path_of(reader), {"forget": "1"})

    assert (answer.status_code, votes()) == (303, [(one.pk, 1, EXAMPLE)])


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "Choose a file or paste its text."),
        ("Dear all <b>", "This is not BibTeX, CSL-JSON or RIS."),
        ("\x00", "This is not a text file."),
        ("x" * 1_010_000, "This is larger than 1 MB."),
        ("x" * 3_000_000, "This is larger than 1 MB."),
    ],
)
def test_content_that_is_not_a_library_is_refused_with_a_reason(
    client: Client, reader: Subscriber, pasted: str, said: str
) -> None:
    answer = client.post(path_of(reader), {"pasted": pasted, "library": "1"})

    html = answer.content.decode()
    assert (answer.status_code, "Nothing was imported." in html, said in html) == (
        200,
        True,
        True,
    )
    assert votes() == []


def test_an_unreadable_text_stays_in_the_form(client: Client, reader: Subscriber) -> None:
    answer = client.post(path_of(reader), {"pasted": "Dear all <b>", "library": "1"})

    assert "\nDear all &lt;b&gt;</textarea>" in answer.content.decode()
