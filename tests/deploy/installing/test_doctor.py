"""`manage.py doctor`: what is wrong and what to do about it, and a right installation passes."""

import io

import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from deploy.installing import doctor
from digest.desk.doctor.findings import Finding, Verdict
from digest.desk.today import broker
from digest.models import Backup
from tests.digest.desk.scene import a_morning
from tests.outage import no_database
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def said() -> tuple[int, str]:
    """The exit code and what was printed."""
    out = io.StringIO()
    try:
        call_command("doctor", "--no-network", stdout=out, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def wrongs(found: str) -> set[str]:
    lines = [line.split() for line in found.splitlines() if line.startswith("wrong ")]
    return {line[1].rstrip(":") for line in lines}


def test_what_is_wrong_is_said_with_what_to_do_until_nothing_is(
    settings: Settings, tmp_path: object
) -> None:
    settings.POSTAL_ADDRESS, settings.OPERATORS_MAIL = "", []
    broker.client().delete("broadsheet:workers")
    code, before = said()

    settings.POSTAL_ADDRESS, settings.TRUSTED_PROXIES = "1 Example Street", 1
    settings.OPERATORS_MAIL = ["ops@example.org"]
    settings.STATE_FOLDER = tmp_path
    settings.SECRET_KEY = "k" + "".join(map(str, range(40)))
    settings.SECURE_HSTS_SECONDS = 31536000
    Backup.objects.create(name="a.dump", keys="k", finished_at=Now(), size=1)
    a_morning(calm=True)
    broker._said_at = float("-inf")
    broker.say_alive("all@host", broker.queue_names())

    assert (code, "settings" in wrongs(before)) == (1, True)
    assert wrongs(before) >= {"operators", "state", "backups", "tick", "queue"}
    assert before.count("→") >= before.count("\nwrong ")
    code, after = said()
    assert (wrongs(after), code) == ({"settings"} & wrongs(after), int("settings" in wrongs(after)))
    assert "Set POSTAL_ADDRESS" in before
    assert "Set POSTAL_ADDRESS" not in after
    assert "tick: The clock last ticked" in after


def test_an_old_backup_is_none(settings: Settings) -> None:
    at = timezone.now() - doctor.OLDEST_BACKUP * 1.1
    Backup.objects.create(name="a.dump", keys="k", finished_at=at, size=1)
    Backup.objects.create(name="b.dump", keys="k", finished_at=None)

    assert [one.verdict for one in doctor.of_backups()] == [Verdict.WRONG]


def test_a_mail_server_that_does_not_answer_is_wrong(sink: Sink, settings: Settings) -> None:
    def verdicts() -> list[Verdict]:
        return [one.verdict for one in doctor.of_mail_services()]

    well = verdicts()
    settings.EMAIL_PORT = 1

    assert (well, verdicts()) == ([Verdict.OK], [Verdict.WRONG])
    assert sink.messages == []


def test_without_the_database_it_says_what_it_cannot_tell() -> None:
    with no_database():
        found: list[Finding] = list(doctor.look(with_network=False))

    unknown = {one.check for one in found if one.verdict is Verdict.UNKNOWN}
    assert unknown >= {"database", "time zones", "backups"}
    assert "database" in {one.check for one in found if one.verdict is Verdict.WRONG}
