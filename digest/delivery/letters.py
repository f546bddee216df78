"""Carries the letters about subscriptions by the same rules as the digests."""

from datetime import timedelta
from typing import Any, Self

from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import get_connection

from digest.models import Hold
from subscribers.letters.carrier import Answer, Fate

from . import routing
from .connection import Connection
from .mail_services import only_to
from .outcomes import Outcome, Verdict

# Somebody waits for each letter behind the one that is being answered.
LONGEST_ANSWER = 120
# How long before it is tried again what needs an operator.
STOPPED = timedelta(minutes=5)


class Carrier:
    """A connection to the mail service of the letters; see ``subscribers.letters.carrier``."""

    def __init__(self) -> None:
        backend: Any = get_connection()
        # The services that share the digests have names of their own.
        self._name = "letters" if settings.MAIL_SERVICES else routing.kind_of(backend)
        self._connection = Connection(
            self._name,
            backend=backend,
            answer_seconds=min(LONGEST_ANSWER, settings.MAIL_ANSWER_SECONDS),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.__exit__(*error)

    def is_ready(self) -> Answer | None:
        """Open the connection, unless the service is held until an operator acts.

        What holds the digests for a time, such as a day's quota, says nothing about a letter: that
        is tried.
        """
        holds = Hold.objects.active().filter(mail_service__in=(self._name, ""), until=None)
        if hold := holds.first():
            return Answer(Fate.HELD, f"held: {hold.reason}")
        problem = self._connection.open()
        return _held(problem) if problem else None

    def carry(self, message: AnymailMessage) -> Answer:
        if not all(map(only_to.is_listed, message.recipients())):
            return Answer(Fate.REFUSED, only_to.WHY)
        outcome = self._connection.hand_over(message)
        if outcome.wait or outcome.verdict is Verdict.STOP:
            return _held(outcome)
        if outcome.verdict is Verdict.FAILED:
            # Only what is about the address is final; a refusal of us will be put right.
            is_final = outcome.is_bad_address or outcome.is_suspect
            fate = Fate.REFUSED if is_final else Fate.LATER
            return Answer(fate, outcome.detail)
        if outcome.verdict is Verdict.RETRY:
            return Answer(Fate.LATER if outcome.is_spent else Fate.KEPT, outcome.detail)
        fate = Fate.SENT if outcome.verdict is Verdict.SENT else Fate.DOUBT
        return Answer(fate, outcome.detail)


def _held(problem: Outcome) -> Answer:
    wait = STOPPED if problem.verdict is Verdict.STOP else problem.wait
    return Answer(Fate.HELD, problem.detail, max(wait or timedelta(0), timedelta(minutes=1)))
