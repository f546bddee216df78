"""Test mails: a reader's digest, sent to addresses that an operator names.

They go by the rules of all mail: holds, quotas and pace apply, and suppressed addresses get none.
They say "[Test]" in the subject, and none of their links is anybody's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail.message import make_msgid
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from digest.delivery import routing
from digest.delivery.connection import Connection
from digest.delivery.limits.deadline import deadline
from digest.delivery.limits.gate import Gate
from digest.delivery.limits.providers import provider_of
from digest.delivery.outcomes import Verdict
from digest.models import SampleMail
from subscribers import addresses
from subscribers.models import Suppression

from .previews import Preview
from .steering import By

MOST = 10
# An operator is waiting for the page.
SECONDS, ANSWER_SECONDS = 20.0, 15.0
# Those that lead out belong to a reader; the others would be told as a digest's.
_LEFT_OUT = {"list-unsubscribe", "list-unsubscribe-post", "message-id", "feedback-id"}
_MADE_ANEW = {"from", "to", "reply-to", "subject", "date", "mime-version", "content-type"}


class SampleError(Exception):
    """No test mail can be sent. The text tells the operator why."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the test mail to one address, in words."""

    address: str
    words: str
    is_sent: bool = False


def addresses_in(text: str) -> list[str]:
    """Return the addresses in what an operator typed, each once. Raises SampleError."""
    words = text.replace(",", " ").replace(";", " ").split()
    found: list[str] = []
    for word in words:
        try:
            address = addresses.parse(word).deliver_to
        except addresses.InvalidAddress as error:
            raise SampleError(
                _("%(word)s is not an email address.") % {"word": word[:100]}
            ) from error
        if address not in found:
            found.append(address)
    if not 1 <= len(found) <= MOST:
        raise SampleError(_("Name 1 to %(most)s addresses.") % {"most": MOST})
    return found


def send(
    preview: Preview, to: Sequence[str], key: UUID, by: By, begun: Callable[[], object] = int
) -> list[Tried]:
    """Send the preview to these addresses, once for each `key`. Raises SampleError.

    `begun` records that it begins, in the transaction that takes the key.
    """
    if not preview.papers:
        raise SampleError(_("There is nothing to send: this reader would get no digest."))
    mail_service = routing.choose()
    if mail_service is None:
        raise SampleError(_("Sending is held, for test mails as well."))
    if not _is_first(key, len(to), by, begun):
        raise SampleError(_("These test mails have been sent already."))
    words = _("The address is suppressed.")
    tried = {address: Tried(address, words) for address in _suppressed(to)}
    tried |= _hand_over(mail_service, preview, [one for one in to if one not in tried])
    return [tried[address] for address in to]


def _is_first(key: UUID, number: int, by: By, begun: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            SampleMail.objects.create(key=key, number=number, by=by)
            begun()
    except IntegrityError:
        return False
    return True


def _suppressed(to: Sequence[str]) -> set[str]:
    hashes = {addresses.hashed(address): address for address in to}
    found = Suppression.objects.filter(address_hash__in=hashes)
    return {hashes[one] for one in found.values_list("address_hash", flat=True)}


def _hand_over(mail_service: str, preview: Preview, to: Sequence[str]) -> dict[str, Tried]:
    gate, is_over = Gate(mail_service), deadline(SECONDS)
    passed = gate.admit({number: provider_of(address) for number, address in enumerate(to)})
    tried: dict[str, Tried] = {}
    with Connection(mail_service, answer_seconds=ANSWER_SECONDS) as connection:
        for number, address in enumerate(to):
            problem = connection.open() if number in passed.ids and not is_over() else None
            if number not in passed.ids or is_over():
                tried[address] = Tried(address, _("Not sent: the limits of the mail service."))
            elif problem:
                tried[address] = Tried(address, _("Not sent: %(why)s") % {"why": problem.detail})
            else:
                passed.wait_for_turn(provider_of(address))
                outcome = connection.hand_over(_message(preview, address))
                is_sent = outcome.verdict is Verdict.SENT
                words = _("The mail service accepted it.") if is_sent else outcome.detail
                tried[address] = Tried(address, words, is_sent)
    gate.give_back(passed, len(passed.ids) - sum(one.is_sent for one in tried.values()))
    return tried


def _message(preview: Preview, address: str) -> AnymailMessage:
    kept = [
        (name, value)
        for name, value in preview.headers
        if name.lower() not in _LEFT_OUT | _MADE_ANEW
    ]
    message = AnymailMessage(
        subject=f"[Test] {preview.subject}",
        body=preview.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[address],
        reply_to=[settings.MAIL_REPLY_TO] if settings.MAIL_REPLY_TO else None,
        headers={**dict(kept), "Message-ID": make_msgid(domain=settings.MAIL_DOMAIN)},
        tags=["test"],
    )
    message.attach_alternative(preview.html, "text/html")
    return message
