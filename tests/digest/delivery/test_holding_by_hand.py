"""`manage.py hold` and `manage.py release`: sending stops for a reason, and goes on."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.models import AuditEntry, Hold
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def manage(*arguments: str) -> str:
    said = StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


def test_nothing_is_handed_over_between_the_two(sink: Sink) -> None:
    make_edition()
    reader = make_reader()
    plan.plan_due()

    manage("hold", "An upgrade")
    assert manage("hold", "An upgrade") == "It is held for that already.\n"
    deliver(seconds=60)
    assert sink.messages == []

    assert manage("release") == "Released: everything, held for: An upgrade\n"
    assert manage("release") == "Nothing was held.\n"
    deliver(seconds=60)
    assert [message.recipients for message in sink.messages] == [[reader.email]]
    assert list(AuditEntry.objects.values_list("act", "by_name")) == [
        ("hold.add", "manage.py"),
        ("hold.release", "manage.py"),
    ]


def test_each_cause_is_released_by_itself() -> None:
    manage("hold", "An upgrade")
    manage("hold", "Blocked by Outlook", "--mail-service", "smtp")

    manage("release", "--reason", "An upgrade")

    assert [hold.reason for hold in Hold.objects.active()] == ["Blocked by Outlook"]
    manage("release", "--mail-service", "smtp")
    assert not Hold.objects.active().exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hold", "Why", "--mail-service", "pigeons"], "There is no mail service 'pigeons': smtp."),
        (["hold", ""], "from 1 to 300 characters"),
        (["release", "--mail-service", "pigeons"], "There is no mail service"),
    ],
)
def test_what_cannot_be_held_is_said(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        manage(*arguments)
