"""What operators can see and do."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from digest.models import Digest, Hold
from tests.factories import make_digest, make_edition, make_reader, make_topic

pytestmark = pytest.mark.django_db

MODELS = ["digest", "edition", "event", "hold", "look", "paper"]


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_and_can_be_searched(admin_client: Client, model: str) -> None:
    make_digest(make_edition(), make_reader())

    answer = admin_client.get(reverse(f"admin:digest_{model}_changelist"), {"q": "a"}, secure=True)

    # A list without search redirects to itself.
    assert answer.status_code in {200, 302}


def test_a_digests_page_says_why_each_paper_was_chosen(admin_client: Client) -> None:
    topic = make_topic(name="Robots")
    edition = make_edition(2)
    first, second = edition.papers.all()
    digest = make_digest(
        edition,
        make_reader(),
        paper_ids=[first.pk, second.pk],
        reasons=[f"topic:{topic.pk}", "votes:7"],
    )

    page = admin_client.get(
        reverse("admin:digest_digest_change", args=[digest.pk]), secure=True
    ).content.decode()

    assert f"{first.title}</a>: You follow Robots" in page
    assert f"{second.title}</a>: Everyone is reading: 7 votes" in page


def test_a_digests_page_says_why_nothing_was_sent(admin_client: Client) -> None:
    digest = make_digest(
        make_edition(), make_reader(), state=Digest.State.SKIPPED, skip_reason="thin"
    )

    page = admin_client.get(
        reverse("admin:digest_digest_change", args=[digest.pk]), secure=True
    ).content.decode()

    assert page.count("too few papers") == 2


def test_an_editions_page_counts_who_got_it_and_who_did_not(admin_client: Client) -> None:
    edition = make_edition()
    make_digest(edition, make_reader(), state=Digest.State.SENT)
    make_digest(edition, make_reader(), state=Digest.State.SKIPPED, skip_reason="no_match")

    page = admin_client.get(
        reverse("admin:digest_edition_change", args=[edition.pk]), secure=True
    ).content.decode()

    assert "1 sent<br>1 skipped: nothing on their topics" in page.replace("\n", "")


def test_a_digest_is_found_by_its_readers_address(admin_client: Client) -> None:
    edition = make_edition()
    mine = make_digest(edition, make_reader(email="ada@dest.example"))
    other = make_digest(edition, make_reader())

    page = admin_client.get(
        reverse("admin:digest_digest_changelist"), {"q": "Ada@Dest.example"}, secure=True
    ).content.decode()

    assert reverse("admin:digest_digest_change", args=[mine.pk]) in page
    assert reverse("admin:digest_digest_change", args=[other.pk]) not in page


@pytest.mark.parametrize("choice", ["36500", "7"])
def test_whoever_may_have_got_nothing_is_found_with_one_click(
    admin_client: Client, choice: str
) -> None:
    edition, now = make_edition(), timezone.now()
    states = (Digest.State.UNCERTAIN, Digest.State.ASSUMED, Digest.State.SENT, Digest.State.READY)
    digests = [
        make_digest(edition, make_reader(), state=state, handed_over_at=now) for state in states
    ]

    page = admin_client.get(
        reverse("admin:digest_digest_changelist"), {"doubt": choice}, secure=True
    ).content.decode()

    shown = [reverse("admin:digest_digest_change", args=[one.pk]) in page for one in digests]
    assert shown == [True, True, False, False]


def test_an_operator_pauses_and_resumes_sending(admin_client: Client) -> None:
    added = {"mail_service": "smtp", "reason": "A moment, please"}
    admin_client.post(reverse("admin:digest_hold_add"), added, secure=True)
    assert Hold.objects.active().count() == 1

    admin_client.post(
        reverse("admin:digest_hold_changelist"),
        {"action": "release", "_selected_action": [Hold.objects.get().pk]},
        secure=True,
    )

    assert Hold.objects.active().count() == 0
