"""Staging: with MAIL_ONLY_TO, a copy of the production database mails nobody else."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as loaded
from django.core.mail import EmailMessage, get_connection
from django.utils import timezone
from pytest_django import Settings

from deploy.values import backends
from digest.delivery import plan, routing
from digest.delivery.mail_services.only_to import NotListed, is_listed
from digest.delivery.run import deliver
from digest.desk.alerts import telling
from digest.desk.today import attention, standing
from digest.models import Digest
from subscribers import letters
from subscribers.letters import LetterCounts
from subscribers.models import Letter, Subscriber
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]
LISTED = ["you@dest.example", "team.example"]
OURS = ["You@dest.example", "ada@team.example"]
OTHERS = ["reader@dest.example", "you@sub.team.example", "you@dest.example.org", "x@nteam.example"]


@pytest.fixture(autouse=True)
def _staging(settings: Settings, sink: Sink) -> None:
    """As ``deploy.settings.mail`` has it."""
    settings.MAIL_ONLY_TO = LISTED
    settings.MAIL_BACKEND = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = backends.ONLY_TO


def test_digests_to_others_are_skipped_with_a_reason(sink: Sink) -> None:
    make_edition()
    for address in (*OURS, *OTHERS):
        make_reader(email=address)
    plan.plan_due()

    tally = deliver(seconds=60)

    assert sorted(mail.recipients[0] for mail in sink.messages) == sorted(OURS)
    assert tally.skip_reasons == {Digest.SkipReason.UNLISTED: len(OTHERS)}
    left = Digest.objects.filter(state=Digest.State.SKIPPED, skip_reason="unlisted", attempts=0)
    assert {digest.subscriber.email for digest in left if digest.subscriber} == set(OTHERS)
    assert not Digest.objects.exclude(pk__in=left).exclude(state=Digest.State.SENT).exists()


def test_letters_to_others_are_given_up(sink: Sink) -> None:
    now = timezone.now()
    for address in (OURS[0], OTHERS[0]):
        reader = make_reader(email=address, state=Subscriber.State.PENDING)
        Letter.objects.create(
            subscriber=reader, kind=Letter.Kind.KNOWN, created_at=now, next_attempt_at=now
        )

    counts = letters.send_waiting(now, 10)

    assert counts == LetterCounts(sent=1, given_up=1)
    assert [mail.recipients for mail in sink.messages] == [[OURS[0]]]
    assert Letter.objects.get(sent_at=None).given_up_at == now


def test_no_way_of_sending_goes_around_the_list(sink: Sink, settings: Settings) -> None:
    """Whoever writes a mail that nobody has thought of, to however many people."""
    server = {"host": settings.EMAIL_HOST, "port": settings.EMAIL_PORT}
    service = {"BACKEND": backends.SMTP, "OPTIONS": server, "WEIGHT": 1}
    settings.MAIL_SERVICES = {"main": backends.walled(service)}
    settings.ALERTS_EMAIL = server
    ways = [get_connection(), routing.connection_to("main"), telling._connection()]

    turned_away: list[dict[str, Any]] = [
        {"to": OTHERS[:1]},
        {"to": OURS, "bcc": OTHERS},
        {"cc": OTHERS[1:]},
    ]
    for way in ways:
        for recipients in turned_away:
            with pytest.raises(NotListed):
                EmailMessage("Hello", "there", connection=way, **recipients).send()
        assert EmailMessage("Hello", "there", to=[f"You <{OURS[0]}>"], connection=way).send() == 1

    assert [mail.recipients for mail in sink.messages] == [[OURS[0]]] * len(ways)


def test_only_these_places_open_a_way_to_send() -> None:
    """They take the backend from the settings, or say which one is behind the wall."""
    files = [
        file for app in ("digest", "subscribers", "deploy") for file in ROOT.glob(f"{app}/**/*.py")
    ]
    opening = {file.stem for file in files if "get_connection(" in file.read_text()}

    assert opening - {"http"} == {"routing", "letters", "telling"}


def test_the_settings_put_every_service_behind_the_list() -> None:
    services = {"MAIL_SERVICES": "a=1,b=0", "MAIL_SERVICE_A": "smtp://localhost", "MAIL_SERVICE_B":
                "anymail.backends.postmark.EmailBackend"}  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-c", "from django.conf import settings as s; print(s.MAIL_ONLY_TO, "
         "s.EMAIL_BACKEND, [one['BACKEND'] for one in s.MAIL_SERVICES.values()])"],
        env={**os.environ, **services, "MAIL_ONLY_TO": "You@Dest.example, TEAM.example"},
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip

    assert said == f"{LISTED} {backends.ONLY_TO} {[backends.ONLY_TO] * 2}"


def test_today_says_so_and_without_a_list_nothing_is_kept_back(settings: Settings) -> None:
    def keys() -> list[str]:
        return [trouble.key for trouble in attention.troubles(standing.look())]

    said = keys()
    settings.MAIL_ONLY_TO = []

    assert ("only_to" in said, "only_to" in keys()) == (True, False)
    assert all(map(is_listed, OTHERS))
    assert loaded.MAIL_ONLY_TO == []
