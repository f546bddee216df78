"""What operators can look up, what they can add, and what they cannot do."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from digest.models import Digest
from subscribers import addresses
from subscribers.models import Consent, Letter, Subscriber, Suppression, Topic
from tests.factories import make_reader, make_topic

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("term", ["READER@dest.example", "reader@Dest.Example", "eader@d"])
def test_a_reader_is_found_by_their_address(admin_client: Client, term: str) -> None:
    reader = make_reader(email="Reader@dest.example")
    make_reader(email="other@dest.example")

    page = admin_client.get("/admin/subscribers/subscriber/", {"q": term})

    assert list(page.context["cl"].queryset) == [reader]


@pytest.mark.parametrize("term", ["", " "])
def test_the_lists_of_consents_and_suppressions_show_all_until_somebody_searches(
    admin_client: Client, term: str
) -> None:
    hashes = [addresses.hashed(f"{name}@dest.example") for name in ("ada", "bob")]
    for address_hash in hashes:
        Consent.objects.create(address_hash=address_hash, act=Consent.Act.ASKED)
        Suppression.objects.create(address_hash=address_hash, reason=Suppression.Reason.REFUSED)

    for model in ("consent", "suppression"):
        listed = admin_client.get(f"/admin/subscribers/{model}/").context["cl"].queryset
        blank = admin_client.get(f"/admin/subscribers/{model}/", {"q": term}).context["cl"]
        found = admin_client.get(f"/admin/subscribers/{model}/", {"q": "Ada@dest.example "})

        assert (listed.count(), blank.queryset.count()) == (2, 2)
        assert [row.address_hash for row in found.context["cl"].queryset] == hashes[:1]


def test_saving_preferences_moves_the_next_digest(admin_client: Client) -> None:
    reader = make_reader(next_due_at=timezone.now() + timedelta(hours=1))
    topic = make_topic()

    save(admin_client, reader, topic)

    assert reader.next_due_at is not None
    assert (reader.next_due_at.hour, reader.state) == (21, Subscriber.State.ACTIVE)
    assert set(reader.topics.all()) == {topic}


def test_saving_preferences_keeps_a_digest_that_is_due(admin_client: Client) -> None:
    due_at = timezone.now() - timedelta(seconds=10)
    reader = make_reader(next_due_at=due_at)

    save(admin_client, reader, make_topic())

    assert [digest.due_at for digest in Digest.objects.filter(subscriber=reader)] == [due_at]
    assert reader.next_due_at is not None
    assert reader.next_due_at > timezone.now()
    assert (reader.zone, reader.hour) == ("Asia/Tokyo", 6)


def save(client: Client, reader: Subscriber, topic: Topic) -> None:
    """Save other preferences for the reader, who is to follow the topic."""
    fields = {
        "zone": "Asia/Tokyo",
        "hour": "6",
        "frequency": "daily",
        "weekday": "0",
        "length": "5",
        "paused_until": "",
        "subscription_set-TOTAL_FORMS": "1",
        "subscription_set-INITIAL_FORMS": "0",
        "subscription_set-0-subscriber": str(reader.pk),
        "subscription_set-0-topic": str(topic.pk),
        "subscription_set-0-emphasis": "0",
        "state": Subscriber.State.UNSUBSCRIBED,
    }

    page = client.post(f"/admin/subscribers/subscriber/{reader.pk}/change/", fields)

    assert page.status_code == 302
    reader.refresh_from_db()


def test_nobody_is_subscribed_by_an_operator(admin_client: Client) -> None:
    assert admin_client.get("/admin/subscribers/subscriber/add/").status_code == 403


def test_an_address_is_suppressed_by_its_hash(admin_client: Client) -> None:
    page = admin_client.post("/admin/subscribers/suppression/add/", {"address": "A@dest.example"})

    suppression = Suppression.objects.get()
    assert page.status_code == 302
    assert suppression.address_hash == addresses.hashed("a@dest.example")
    assert suppression.reason == Suppression.Reason.MANUAL


def test_suppressing_again_keeps_the_weightier_reason(admin_client: Client) -> None:
    Suppression.objects.create(
        address_hash=addresses.hashed("a@dest.example"), reason=Suppression.Reason.COMPLAINED
    )

    page = admin_client.post("/admin/subscribers/suppression/add/", {"address": "a@dest.example"})

    assert page.status_code == 302
    assert Suppression.objects.get().reason == Suppression.Reason.COMPLAINED


def test_a_suppression_is_found_by_the_address(admin_client: Client) -> None:
    found = Suppression.objects.create(
        address_hash=addresses.hashed("a@dest.example"), reason=Suppression.Reason.MANUAL
    )
    Suppression.objects.create(address_hash="0" * 64, reason=Suppression.Reason.MANUAL)

    page = admin_client.get("/admin/subscribers/suppression/", {"q": "A@dest.example"})

    assert list(page.context["cl"].queryset) == [found]


def test_consents_and_letters_are_only_looked_at(admin_client: Client) -> None:
    reader = make_reader()
    consent = Consent.objects.create(
        subscriber=reader, address_hash=reader.address_hash, act=Consent.Act.ASKED
    )
    letter = Letter.objects.create(subscriber=reader, kind=Letter.Kind.CONFIRM)

    for model, pk in (("consent", consent.pk), ("letter", letter.pk)):
        assert admin_client.get(f"/admin/subscribers/{model}/").status_code == 200
        assert admin_client.get(f"/admin/subscribers/{model}/{pk}/change/").status_code == 200
        assert admin_client.post(f"/admin/subscribers/{model}/{pk}/change/").status_code == 403
    assert (
        admin_client.post(
            f"/admin/subscribers/consent/{consent.pk}/delete/", {"post": "yes"}
        ).status_code
        == 403
    )


def test_consents_outlive_a_deleted_reader(admin_client: Client) -> None:
    reader = make_reader(make_topic())
    Letter.objects.create(subscriber=reader, kind=Letter.Kind.CONFIRM)
    Consent.objects.create(
        subscriber=reader, address_hash=reader.address_hash, act=Consent.Act.ASKED
    )

    admin_client.post(f"/admin/subscribers/subscriber/{reader.pk}/delete/", {"post": "yes"})

    assert not Subscriber.objects.exists()
    assert Consent.objects.get().address_hash == reader.address_hash


def test_a_topic_shows_its_active_followers(admin_client: Client, admin_user: User) -> None:
    topic = make_topic()
    make_reader(topic)
    make_reader(topic, state=Subscriber.State.UNSUBSCRIBED)

    page = admin_client.get("/admin/subscribers/topic/")

    assert page.context["cl"].queryset.get(pk=topic.pk).num_followers == 1
