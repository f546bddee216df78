"""The promise of the page that erases: a search of every table finds nothing of the reader."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from digest.models import Click, Digest, Event, Saved, Vote
from digest.readers.votes import vote
from subscribers import addresses, links
from subscribers.leaving import erasing, suppression
from subscribers.models import Consent, Letter, Link, Subscriber, Suppression, Term
from subscribers.wishes import terms
from tests.digest.sent import sent_digest
from tests.factories import make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db

OLD = "ada.before@dest.example"
WORDS = ("zymurgy", "Quillon Vantongeren", "ada.before", "ada.now")
# What stays, as the page says: the proof of consent, and that we must not write there.
PROOF = {"subscribers_consent", "subscribers_suppression"}


@pytest.fixture
def reader() -> Subscriber:
    """A reader who has used everything there is, and moved to another address once."""
    topic, now = make_topic(), timezone.now()
    reader = make_reader(topic, email="ada.now@dest.example")
    liked = make_paper(title="On zymurgy")
    for kind, followed in ((Term.Kind.KEYWORD, "zymurgy"), (Term.Kind.AUTHOR, WORDS[1])):
        terms.replace(reader, kind, followed=[followed], muted=[])
    vote(reader, liked, Vote.Value.MORE, Vote.Origin.MAIL, now)
    digest = sent_digest(
        [liked, make_paper(), make_paper()],
        topic=topic,
        reader=reader,
        reasons=["keyword:zymurgy", f"like:{liked.pk}:On zymurgy", f"author:{WORDS[1]}"],
        error="450 ada.now@dest.example is full",
        message_id="<about-ada.now@service.example>",
    )
    Click.objects.create(digest=digest, paper=liked)
    Saved.objects.create(subscriber=reader, paper=liked, note="About zymurgy")
    links.issue_for_good(reader, Link.Purpose.FEED, now)
    for number, email in enumerate((reader.email, OLD)):
        Event.objects.create(
            dedupe_key=f"service:{number}",
            kind="delivered",
            digest=digest if number == 0 else None,
            address_hash=addresses.hashed(email),
            mail_service="service",
            message_id=digest.message_id,
            detail=f"to {email}",
            at=now,
        )
        Consent.objects.create(
            subscriber=reader, address_hash=addresses.hashed(email), act=Consent.Act.CHANGED
        )
    Letter.objects.create(subscriber=reader, kind=Letter.Kind.CHANGED, to=OLD)
    links.issue(reader, Link.Purpose.REFUSE, links.REFUSE_LIFETIME, now)
    suppression.suppress(reader.address_hash, Suppression.Reason.BOUNCED, now)
    LogEntry.objects.create(
        user=User.objects.create(username="operator"),
        content_type=ContentType.objects.get_for_model(Subscriber),
        object_id=str(reader.pk),
        object_repr=reader.email,
        action_flag=CHANGE,
    )
    return reader


def tables_with(text: str) -> set[str]:
    """The tables in which any column of any row holds this text."""
    with connection.cursor() as cursor:
        return {table for table in tables() if _holds(cursor, table, text)}


def tables() -> Iterator[str]:
    for model in apps.get_models(include_auto_created=True):
        yield model._meta.db_table


def _holds(cursor: object, table: str, text: str) -> bool:
    cursor.execute(  # type: ignore[attr-defined]  # a cursor of Django's has no public class
        f"SELECT EXISTS (SELECT FROM {table} AS row WHERE row::text ILIKE %s)", [f"%{text}%"]
    )
    return bool(cursor.fetchone()[0])  # type: ignore[attr-defined]


def references_to(reader_id: int) -> set[str]:
    """The tables with a row that points to the reader."""
    pointing = Subscriber._meta.related_objects
    return {
        relation.related_model._meta.db_table
        for relation in pointing
        if relation.related_model._default_manager.filter(
            **{relation.field.name: reader_id}
        ).exists()
    }


def test_nothing_of_the_reader_is_left_in_any_table_but_the_proof(reader: Subscriber) -> None:
    reader_id, hashes = reader.pk, [addresses.hashed(email) for email in (reader.email, OLD)]
    papers = {"digest_paper", "digest_editionpaper"}  # "zymurgy" is the title of a paper
    assert all(tables_with(text) for text in (*WORDS, *hashes))

    erasing.erase(reader, timezone.now())

    assert set().union(*(tables_with(word) for word in WORDS)) - papers == set()
    assert set().union(*(tables_with(hash_) for hash_ in hashes)) <= PROOF
    assert references_to(reader_id) == set()
    assert not LogEntry.objects.exists()
    assert not Click.objects.exists()
    assert not Event.objects.exclude(address_hash="", message_id="", detail="").exists()


def test_the_digest_still_counts(reader: Subscriber) -> None:
    before = Digest.objects.get()

    erasing.erase(reader, timezone.now())

    after = Digest.objects.get()
    assert (after.state, after.edition, after.handed_over_at) == (
        before.state,
        before.edition,
        before.handed_over_at,
    )
    assert (after.subscriber, after.paper_ids, after.reasons) == (None, [], [])


def test_a_reader_who_is_merged_with_another_leaves_no_words_either(reader: Subscriber) -> None:
    reader.delete()

    assert Digest.objects.get().reasons == []
