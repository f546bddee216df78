"""Why sending is held, in the operators' language.

The reasons are sentences of ours with what a mail server said in them, written by workers that
speak to nobody. They are stored in English; here they are recognized and said again.
"""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from digest.models import Hold

_SENTENCES = tuple(
    (re.compile(re.sub(r"%\\?\((\w+)\\?\)s", r"(?P<\1>.+)", re.escape(text)), re.DOTALL), text)
    for text in (
        gettext_noop("Paused by an operator"),
        gettext_noop("The day's quota is used up."),
        gettext_noop("The last %(number)s readers were all refused in the same words: %(said)s"),
        gettext_noop(
            "The last %(number)s mails were left in doubt: they may have gone out or not."
        ),
        gettext_noop("%(number)s messages in a row were left in doubt: %(said)s"),
        gettext_noop(
            "%(share)s of the %(number)s mails of the last hour were refused or bounced; "
            "the limit is %(limit)s."
        ),
        gettext_noop(
            "%(share)s of the %(number)s mails of the last day were reported as spam; "
            "the limit is %(limit)s."
        ),
        gettext_noop(
            "%(share)s of the %(number)s mails of the last hour were left in doubt; "
            "the limit is %(limit)s."
        ),
        gettext_noop(
            "The database does not wait for the disk (synchronous_commit is off), so after a crash "
            "digests would be sent twice. Remove what overrides Broadsheet's own setting, then "
            "release this hold."
        ),
        gettext_noop(
            "Safe mode: this database is older than what was sent, or a copy. Nothing is sent "
            "until somebody says until when digests had gone out: on the page “After a restore”, "
            "or with manage.py after_restore."
        ),
    )
)


def in_words(reason: str) -> str:
    """Return the reason in the active language; one that is not ours as it is."""
    for pattern, text in _SENTENCES:
        if found := pattern.fullmatch(reason):
            return _(text) % found.groupdict()
    return reason


def of_hold(hold: Hold) -> str:
    """Which mail service a hold is for, and why."""
    name = hold.mail_service or _("all mail services")
    return f"{name}: {in_words(hold.reason)}"
