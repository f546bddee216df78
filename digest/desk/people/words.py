"""What happens to readers, in words."""

from collections.abc import Mapping

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from digest.models import Digest, Vote
from subscribers.models import Consent, Letter, Subscriber, Subscription, Suppression

Act, Skip, Reason = Consent.Act, Digest.SkipReason, Suppression.Reason

STATES: Mapping[str, Promise] = {
    Subscriber.State.PENDING: gettext_lazy("not confirmed yet"),
    Subscriber.State.ACTIVE: gettext_lazy("active"),
    Subscriber.State.UNSUBSCRIBED: gettext_lazy("unsubscribed"),
}
FREQUENCIES: Mapping[str, Promise] = {
    Subscriber.Frequency.DAILY: gettext_lazy("every day"),
    Subscriber.Frequency.WEEKDAYS: gettext_lazy("Monday to Friday"),
    Subscriber.Frequency.WEEKLY: gettext_lazy("once a week"),
}
EMPHASES: Mapping[int, Promise] = {
    Subscription.Emphasis.MORE: gettext_lazy("more"),
    Subscription.Emphasis.NORMAL: gettext_lazy("follows"),
    Subscription.Emphasis.LESS: gettext_lazy("less"),
    Subscription.Emphasis.MUTED: gettext_lazy("never"),
}
CONSENTS: Mapping[str, Promise] = {
    Act.ASKED: gettext_lazy("Signed up"),
    Act.CONFIRMED: gettext_lazy("Confirmed by the link in the mail"),
    Act.UNSUBSCRIBED: gettext_lazy("Unsubscribed on the page"),
    Act.ONE_CLICK: gettext_lazy("Unsubscribed with one click in the mail program"),
    Act.BY_MAIL: gettext_lazy("Unsubscribed by sending a mail"),
    Act.BY_PROGRAM: gettext_lazy("Was unsubscribed by another program"),
    Act.RESUMED: gettext_lazy("Undid the unsubscription"),
    Act.CHANGED: gettext_lazy("Confirmed a new address"),
    Act.REFUSED: gettext_lazy("Said that somebody else had signed up"),
    Act.ERASED: gettext_lazy("Had their data erased"),
    Act.COMPLAINED: gettext_lazy("Reported a mail as spam"),
    Act.IMPORTED: gettext_lazy("Came with an import: had subscribed with another system"),
    Act.LEFT_BEFORE: gettext_lazy("Came with an import: had left another system"),
}
SUPPRESSIONS: Mapping[str, Promise] = {
    Reason.BOUNCED: gettext_lazy("mail to it bounced for good"),
    Reason.COMPLAINED: gettext_lazy("its reader reported our mail as spam"),
    Reason.REFUSED: gettext_lazy("its owner said they had not signed up"),
    Reason.MANUAL: gettext_lazy("an operator did that"),
}
LETTERS: Mapping[str, Promise] = {
    Letter.Kind.CONFIRM: gettext_lazy("Letter to confirm the address"),
    Letter.Kind.KNOWN: gettext_lazy("Letter: already subscribed"),
    Letter.Kind.LINK: gettext_lazy("Letter with a new link"),
    Letter.Kind.CHANGE: gettext_lazy("Letter to confirm a new address"),
    Letter.Kind.CHANGED: gettext_lazy("Letter: the address was changed"),
}
VOTES: Mapping[int, Promise] = {
    Vote.Value.MORE: gettext_lazy("Voted “more like this”"),
    Vote.Value.LESS: gettext_lazy("Voted “less like this”"),
}
ORIGINS: Mapping[str, Promise] = {
    Vote.Origin.EXAMPLE: gettext_lazy("picked as an example"),
    Vote.Origin.IMPORT: gettext_lazy("from the reader’s own library"),
    Vote.Origin.RATING: gettext_lazy("when asked what to read first"),
}
EVENTS: Mapping[str, Promise] = {
    "queued": gettext_lazy("The mail service has queued it"),
    "sent": gettext_lazy("The mail service has sent it"),
    "rejected": gettext_lazy("The mail service refused it"),
    "failed": gettext_lazy("The mail service could not send it"),
    "bounced": gettext_lazy("It bounced"),
    "deferred": gettext_lazy("The reader’s mail server asked to wait"),
    "delivered": gettext_lazy("It arrived"),
    "autoresponded": gettext_lazy("It was answered by a program"),
    "opened": gettext_lazy("It was opened"),
    "clicked": gettext_lazy("A link in it was followed"),
    "complained": gettext_lazy("It was reported as spam"),
    "unsubscribed": gettext_lazy("The reader unsubscribed at the mail service"),
}
_BECAUSE: Mapping[str, Promise] = {
    Skip.PENDING: gettext_lazy("because the address was not confirmed"),
    Skip.UNSUBSCRIBED: gettext_lazy("because the reader had unsubscribed"),
    Skip.SUPPRESSED: gettext_lazy("because the address was suppressed"),
    Skip.PAUSED: gettext_lazy("because the reader had paused it"),
    Skip.ERASED: gettext_lazy("because the reader was erased"),
    Skip.NOTHING_NEW: gettext_lazy("because every paper was in an earlier digest"),
    Skip.NO_MATCH: gettext_lazy("because no paper was on the reader’s topics"),
    Skip.NO_EDITION: gettext_lazy("because no new edition had closed"),
    Skip.HELD: gettext_lazy("because the day’s edition was held"),
    Skip.STOPPED: gettext_lazy("because an operator stopped the run"),
    Skip.UNLISTED: gettext_lazy("because this installation sends only to those in MAIL_ONLY_TO"),
    Skip.SUPERSEDED: gettext_lazy("because the next day’s digest took its place"),
    Skip.LATE: gettext_lazy("because it could not go out in time; its papers come with the next"),
}


def because(reason: str) -> str:
    """Why a digest was not sent, as the end of a sentence."""
    if reason == Skip.THIN:
        least = settings.DIGEST_LEAST_PAPERS
        return ngettext(
            "because fewer than %(number)d paper fit; it waits for the next digest",
            "because fewer than %(number)d papers fit; they wait for the next digest",
            least,
        ) % {"number": least}
    return str(_BECAUSE.get(reason, _("because: %(reason)s") % {"reason": reason}))
