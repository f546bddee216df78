"""Which messages carry a key, and what a service that knows it does."""

import pytest
from anymail.exceptions import AnymailRequestsAPIError
from anymail.message import AnymailMessage
from django.core.mail import EmailMessage
from pytest_django import Settings

from tests.fake_service import ACCEPT, HANG_UP, serving

RESEND = "digest.delivery.mail_services.resend.EmailBackend"
BREVO = "digest.delivery.mail_services.brevo.EmailBackend"
UUID = "6f1f6a0c-6b5e-4a39-9f0e-0a3f8c1c2d4e"


def digest() -> AnymailMessage:
    metadata = {"digest": UUID}
    return AnymailMessage("Papers", "…", to=["reader@dest.example"], metadata=metadata)


@pytest.mark.parametrize("backend", [RESEND, BREVO])
def test_a_digest_s_key_is_its_uuid_at_each_attempt(settings: Settings, backend: str) -> None:
    with serving(settings, backend) as service:
        service.on_send = lambda _: HANG_UP
        with pytest.raises(AnymailRequestsAPIError):
            digest().send()
        service.on_send = lambda _: ACCEPT
        digest().send()

    assert [sending.key for sending in service.requests] == [UUID, UUID]
    assert [accepted.sending.digest for accepted in service.ledger] == [UUID]


def test_resend_accepts_a_message_once_and_says_so_twice(settings: Settings) -> None:
    first, again = digest(), digest()

    with serving(settings, RESEND) as service:
        first.send()
        again.send()

    assert again.anymail_status.message_id == first.anymail_status.message_id == "m-1"
    assert len(service.ledger) == 1


@pytest.mark.parametrize("backend", [RESEND, BREVO])
@pytest.mark.parametrize("kind", [AnymailMessage, EmailMessage])
def test_a_letter_has_no_key(settings: Settings, backend: str, kind: type[EmailMessage]) -> None:
    with serving(settings, backend) as service:
        for _ in range(2):
            kind("Please confirm", "…", to=["reader@dest.example"]).send()

    assert [sending.key for sending in service.requests] == ["", ""]
    assert len(service.ledger) == 2
