"""Likes, follows and mutes decide which papers a reader gets, and the reasons are true."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from digest.choosing import reasons
from digest.choosing.candidates import candidate_set
from digest.choosing.composing import Composed, Request, compose
from digest.models import Edition, Paper, Vote
from digest.ranking.batch import Part
from digest.readers.votes import undo, vote
from subscribers.models import Subscriber, Subscription, Term, Topic
from subscribers.wishes import terms
from tests.factories import make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db

Emphasis = Subscription.Emphasis

ROBOTS = "A robot arm folds towels by touch, and its gripper feels the seams of the cloth."
ROBOTS_TOO = "We teach a robot arm to fold cloth: its gripper feels seams and folds towels well."
PROOFS = "A proof assistant checks lemmas, and a tactic search finds formal proofs by itself."
PROOFS_TOO = "Formal proofs by tactic search: a proof assistant that checks its own lemmas."
OTHERS = (
    "Galaxies drift apart in a survey of faint light.",
    "Bread rises slower on cold mornings, say bakers.",
    "Whales sing lower each year in every ocean.",
    "Old bridges hum when the winter wind is steady.",
)


def edition_of(*abstracts: str) -> Edition:
    return make_edition([make_paper(abstract=text) for text in abstracts])


def composed_for(
    *readers: Subscriber, edition: Edition, length: int = 3, least: int = 1
) -> Sequence[Composed]:
    requests = [
        Request(reader.pk, edition.pk, reader.pk, "daily", length, "en", False, None)
        for reader in readers
    ]
    by_id = {
        composed.digest_id: composed
        for composed in compose(requests, vote_weight=0.02, least=least)
    }
    return [by_id[reader.pk] for reader in readers]


def papers_of(composed: Composed) -> list[str]:
    papers = Paper.objects.in_bulk(composed.paper_ids)
    return [papers[paper_id].abstract for paper_id in composed.paper_ids]


def words_of(composed: Composed) -> list[str]:
    names = dict(Topic.objects.values_list("id", "name"))
    return [reasons.words(reason, names) for reason in composed.reasons]


def liked(text: str, title: str = "Folding at home") -> Paper:
    """A paper of an earlier edition that somebody may have voted on."""
    return make_paper(title=title, abstract=text)


def test_a_vote_up_brings_similar_papers_and_says_so() -> None:
    reader, paper = make_reader(), liked(ROBOTS_TOO)
    edition = edition_of(PROOFS, *OTHERS, ROBOTS)
    (before,) = composed_for(reader, edition=edition)
    assert papers_of(before)[0] != ROBOTS

    vote(reader, paper, Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    (after,) = composed_for(reader, edition=edition)

    assert papers_of(after)[0] == ROBOTS
    assert words_of(after)[0] == "Like “Folding at home”, which you voted up"


def test_an_example_of_the_same_edition_brings_similar_papers_but_not_itself() -> None:
    reader = make_reader()
    edition = edition_of(PROOFS, *OTHERS, ROBOTS, ROBOTS_TOO)
    paper = Paper.objects.get(abstract=ROBOTS_TOO)

    vote(reader, paper, Vote.Value.MORE, Vote.Origin.EXAMPLE, timezone.now())
    (composed,) = composed_for(reader, edition=edition)

    assert papers_of(composed)[0] == ROBOTS
    assert words_of(composed)[0] == f"Like “{paper.title}”, which you picked"
    assert ROBOTS_TOO not in papers_of(composed)


def test_a_vote_down_keeps_similar_papers_away() -> None:
    reader = make_reader()
    for text in (PROOFS_TOO, ROBOTS_TOO):
        vote(reader, liked(text), Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    edition = edition_of(PROOFS, ROBOTS, *OTHERS)
    (both,) = composed_for(reader, edition=edition, length=2)
    assert set(papers_of(both)) == {PROOFS, ROBOTS}

    vote(reader, Paper.objects.get(abstract=ROBOTS_TOO), Vote.Value.LESS, Vote.Origin.MAIL,
         timezone.now())  # fmt: skip
    (one,) = composed_for(reader, edition=edition, length=2)

    assert papers_of(one)[0] == PROOFS
    assert ROBOTS not in papers_of(one)


def test_a_vote_taken_back_no_longer_counts() -> None:
    reader, paper = make_reader(), liked(ROBOTS_TOO)
    edition = edition_of(PROOFS, *OTHERS, ROBOTS)
    (before,) = composed_for(reader, edition=edition)

    vote(reader, paper, Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    undo(reader, paper)
    (after,) = composed_for(reader, edition=edition)

    assert (after.paper_ids, after.reasons) == (before.paper_ids, before.reasons)


def test_followed_keywords_and_authors_are_reasons_as_the_reader_wrote_them() -> None:
    reader = make_reader()
    terms.replace(reader, Term.Kind.KEYWORD, followed=["Proof Assistant"], muted=[])
    terms.replace(reader, Term.Kind.AUTHOR, followed=["Zoë Quill"], muted=[])
    by_her = make_paper(abstract=ROBOTS, authors=["Zoe Quill", "Bo Sample"])
    edition = make_edition([make_paper(abstract=PROOFS), by_her, make_paper(abstract=OTHERS[0])])

    (composed,) = composed_for(reader, edition=edition)

    assert papers_of(composed)[:2] == [ROBOTS, PROOFS]
    assert words_of(composed)[:2] == [
        "By Zoë Quill, whom you follow",
        "You follow “Proof Assistant”",
    ]


def test_a_paper_close_to_a_followed_keyword_comes_and_is_not_said_to_hold_it() -> None:
    reader = make_reader()
    liked(ROBOTS_TOO)  # words of a single paper do not count
    edition = edition_of(PROOFS, *OTHERS, ROBOTS)
    (before,) = composed_for(reader, edition=edition)
    assert papers_of(before)[0] != ROBOTS

    terms.replace(reader, Term.Kind.KEYWORD, followed=["gripper that folds"], muted=[])
    (after,) = composed_for(reader, edition=edition)

    assert papers_of(after)[0] == ROBOTS
    assert words_of(after)[0] == "Close to “gripper that folds”, which you follow"


@pytest.mark.parametrize(
    ("kind", "text"), [(Term.Kind.KEYWORD, "robot arm"), (Term.Kind.AUTHOR, "ada example")]
)
def test_a_muted_paper_never_comes_however_well_it_fits(kind: Term.Kind, text: str) -> None:
    topic = make_topic()
    reader = make_reader(topic)
    papers = [make_paper(abstract=ROBOTS), make_paper(abstract=PROOFS, authors=["C. Doe"])]
    edition = make_edition(papers, fits={topic.pk: 1.0})
    vote(reader, liked(ROBOTS_TOO), Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    (before,) = composed_for(reader, edition=edition)
    assert papers_of(before)[0] == ROBOTS

    terms.replace(reader, kind, followed=[], muted=[text])
    (after,) = composed_for(reader, edition=edition)

    assert papers_of(after) == [PROOFS]


def test_a_muted_word_inside_another_does_not_match() -> None:
    reader = make_reader()
    terms.replace(reader, Term.Kind.KEYWORD, followed=[], muted=["robo"])

    (composed,) = composed_for(reader, edition=edition_of(ROBOTS))

    assert papers_of(composed) == [ROBOTS]


@pytest.mark.parametrize(
    ("emphasis", "first"),
    [(Emphasis.NORMAL, ROBOTS), (Emphasis.LESS, PROOFS), (Emphasis.MUTED, PROOFS)],
)
def test_less_of_a_topic_and_muting_it_move_its_papers_down(emphasis: Emphasis, first: str) -> None:
    robots, proofs = make_topic(), make_topic()
    reader = make_reader(robots, proofs)
    Subscription.objects.filter(subscriber=reader, topic=robots).update(emphasis=emphasis)
    edition = edition_of(ROBOTS, PROOFS)
    edition.candidates.filter(paper__abstract=ROBOTS).update(fits={str(robots.pk): 0.9})
    edition.candidates.filter(paper__abstract=PROOFS).update(fits={str(proofs.pk): 0.8})

    (composed,) = composed_for(reader, edition=edition)

    assert papers_of(composed)[0] == first
    assert (ROBOTS in papers_of(composed)) == (emphasis is Emphasis.NORMAL)


def test_votes_down_leave_what_a_reader_follows_as_it_is() -> None:
    topic = make_topic()
    edition = edition_of(ROBOTS, *OTHERS)
    edition.candidates.update(fits={str(topic.pk): 0.9})
    quiet, strict = make_reader(topic), make_reader(topic)
    vote(strict, liked(PROOFS_TOO), Vote.Value.LESS, Vote.Origin.MAIL, timezone.now())

    before, after = composed_for(quiet, strict, edition=edition)

    topics = [[row[Part.TOPICS] for row in one.contributions] for one in (before, after)]
    assert topics[0] == topics[1]
    assert min(topics[0]) > 0


def test_wanting_only_less_of_a_topic_gives_the_most_voted() -> None:
    topic = make_topic()
    reader = make_reader(topic)
    Subscription.objects.filter(subscriber=reader).update(emphasis=Emphasis.LESS)

    (composed,) = composed_for(reader, edition=edition_of(ROBOTS, PROOFS, *OTHERS))

    assert len(composed.paper_ids) == 3
    assert words_of(composed) == ["New today"] * 3


def test_every_reason_names_the_part_that_added_most() -> None:
    topics = [make_topic() for _ in range(3)]
    papers = [liked(ROBOTS_TOO), liked(PROOFS_TOO)]
    edition = edition_of(ROBOTS, PROOFS, *OTHERS)
    for number, candidate in enumerate(edition.candidates.all()):
        candidate.fits = {str(topics[number % 3].pk): 0.75}
        candidate.save(update_fields=["fits"])
    readers = [make_reader(topics[number % 3]) for number in range(6)]
    origins = [Vote.Origin.MAIL] * 3 + [Vote.Origin.EXAMPLE] * 3
    for reader, paper, origin in zip(readers, papers * 3, origins, strict=True):
        vote(reader, paper, Vote.Value.MORE, origin, timezone.now())
    terms.replace(readers[0], Term.Kind.KEYWORD, followed=["whales"], muted=[])

    digests = composed_for(*readers, edition=edition, length=6)

    kinds = {
        "topic": Part.TOPICS,
        "keyword": Part.TERMS,
        "like": Part.TASTE,
        "picked": Part.TASTE,
    }
    seen = set()
    for composed in digests:
        assert len(composed.contributions) == len(composed.paper_ids) > 0
        for place, reason in enumerate(composed.reasons):
            *content, _votes, chance = composed.contributions[place]
            assert chance == 1000
            kind = reason.partition(":")[0]
            seen.add(kind)
            if kind in kinds:
                assert content[kinds[kind]] == max(content) > 0
            else:
                assert kind in {"closest", "rest", "votes"}
    assert seen >= kinds.keys()


def test_more_readers_and_votes_cost_no_more_queries() -> None:
    edition = edition_of(ROBOTS, PROOFS, *OTHERS)
    papers = [liked(text) for text in (ROBOTS_TOO, PROOFS_TOO)]

    def queries_for(number: int) -> int:
        readers = [make_reader() for _ in range(number)]
        for reader in readers:
            for paper in papers:
                vote(reader, paper, Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
            terms.replace(reader, Term.Kind.KEYWORD, followed=["robot"], muted=["whales"])
        with CaptureQueriesContext(connection) as queries:
            composed_for(*readers, edition=edition)
        return len(queries)

    queries_for(1)  # fills the caches
    assert queries_for(1) == queries_for(5) == 6


def test_an_index_that_forgets_comparisons_makes_them_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readers = [make_reader(), make_reader()]
    robots, proofs = liked(ROBOTS_TOO), liked(PROOFS_TOO, "Proofs at home")
    vote(readers[0], robots, Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    for paper in (robots, proofs):
        vote(readers[1], paper, Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    edition = edition_of(PROOFS, *OTHERS, ROBOTS)
    remembered = composed_for(*readers, edition=edition)
    candidate_set.cache_clear()

    monkeypatch.setattr("digest.choosing.candidate_index._MOST_KEPT", 1)

    assert composed_for(*readers, edition=edition) == remembered


def test_all_that_raised_a_score_can_be_read() -> None:
    stored = [[800, 0, 200, -50], [0, 0, 0, 40]]

    assert reasons.contributions_in_words(stored, 0) == [
        ("Topics you follow", 80),
        ("Papers you voted up or picked", 20),
    ]
    assert reasons.contributions_in_words(stored, 1) == [("Everyone’s votes", 100)]
    assert reasons.contributions_in_words([], 0) == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([300, 0, 100], [("Topics you follow", 75), ("Papers you voted up or picked", 25)]),
        ([300, 0, 0, 100], [("Topics you follow", 75), ("Everyone’s votes", 25)]),
        ([300, 0, 0, 100, 1000], [("Topics you follow", 75), ("Everyone’s votes", 25)]),
    ],
)
def test_contributions_stored_with_fewer_or_more_parts_are_read_right(
    row: list[int], expected: list[tuple[str, int]]
) -> None:
    stored = [[0] * len(row), row]

    assert reasons.contributions_in_words(stored, 1) == expected
