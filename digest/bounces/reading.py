"""A whole mailbox: each mail is taken, and only then removed."""

import logging
from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from digest.delivery.limits.deadline import deadline
from digest.models import Heartbeat
from subscribers.database import Lock, only_one

from . import mailboxes
from .mailboxes import CannotRead, Mailbox
from .taking import Fate, take

logger = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)


def is_due() -> bool:
    """Whether MAIL_BOUNCES_MAILBOX, if there is one, should be looked at."""
    if not settings.MAIL_BOUNCES_MAILBOX:
        return False
    since = timezone.now() - EVERY
    return not Heartbeat.objects.filter(name=Heartbeat.BOUNCES, at__gt=since).exists()


def read(url: str, *, seconds: float) -> Counter[Fate]:
    """Read a mailbox for about `seconds`. Returns what became of its mails; safe to repeat.

    Raises CannotRead if the mailbox fails. One process reads at a time; another one finds nothing.
    """
    done: Counter[Fate] = Counter()
    with only_one(Lock.READING_BOUNCES) as is_ours:
        if is_ours:
            try:
                with mailboxes.opened(url) as mailbox:
                    _read(mailbox, seconds, done)
                Heartbeat.beat(Heartbeat.BOUNCES)
            finally:
                log(done)
    return done


def _read(mailbox: Mailbox, seconds: float, done: Counter[Fate]) -> None:
    is_over = deadline(seconds)
    for name in mailbox.names():
        if is_over():
            return
        content = mailbox.read(name)
        if content is None:
            continue
        fate = take(content)
        if fate is Fate.ASIDE:
            mailbox.put_aside(name, content)
        else:
            mailbox.remove(name)
        done[fate] += 1


def look(*, seconds: float) -> bool:
    """Read MAIL_BOUNCES_MAILBOX. Returns whether there may be more in it; says what fails."""
    try:
        return bool(read(settings.MAIL_BOUNCES_MAILBOX, seconds=seconds))
    except CannotRead as error:
        logger.error("The bounces cannot be read: %s", error)
        return False


def log(done: Counter[Fate]) -> None:
    """Log what a look did, such as “bounces: 12 stored, 1 put aside”, unless that is nothing."""
    if done:
        words = ", ".join(f"{number} {fate}" for fate, number in done.items())
        level = logging.WARNING if done[Fate.ASIDE] else logging.INFO
        logger.log(level, "Bounces: %s", words)
