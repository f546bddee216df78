"""The demo's summary: what the database and the mailbox say, and whether they agree."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.demo import mailbox


@dataclass(frozen=True, slots=True)
class Figures:
    """The database's figures since the first demo in this folder (``manage.py demo_summary``).

    `digests_skipped` counts by reason. `readers_left_out` counts readers who are active and not
    paused but have no digest row for the newest edition. *In doubt* are mails that may or may
    not have been handed over when a process was killed.
    """

    papers: int
    papers_waiting: int
    edition_date: str
    edition_papers: int
    is_edition_of_today: bool
    readers_confirmed: int
    readers_left_out: int
    digests_sent: int
    digests_in_doubt: int
    digests_failed: int
    digests_skipped: dict[str, int]
    letters_sent: int
    letters_in_doubt: int


def read_figures(printed: str) -> Figures:
    """Parse the command's output, whose last line holds the figures."""
    return Figures(**json.loads(printed.splitlines()[-1]))


@dataclass(frozen=True, slots=True)
class Report:
    """One run: the figures before and after it, the mailbox now, and the number of readers."""

    before: Figures
    after: Figures
    mails: mailbox.MailCounts
    readers: int

    def lines(self) -> Iterator[tuple[str, str]]:
        """The summary as names and values, this run's figures first."""
        after = self.after
        yield "Papers", str(after.papers)
        yield "Edition", f"{after.edition_date}, {after.edition_papers} papers"
        yield "Readers", f"{self._confirmed} signed up and confirmed through the web form"
        yield "Digests", f"{self._sent} sent{self._so_far(after.digests_sent, self._sent)}"
        for reason, count in self._skipped.items():
            yield "", f"{count} skipped: {reason}"
        yield (
            "Mailbox",
            f"{self.mails.digests + self.mails.letters} mails: {self.mails.digests} digests, "
            f"{self.mails.letters} letters, which matches the database",
        )

    def differences(self) -> Iterator[str]:
        """Everything that is wrong, in sentences. Nothing if all is well."""
        after, mails = self.after, self.mails
        if self._confirmed != self.readers:
            yield f"{self.readers} readers confirmed, but the database has {self._confirmed}."
        if after.readers_left_out:
            yield f"{after.readers_left_out} active readers have no digest of the edition."
        if mails.repeated:
            yield f"The mailbox has {mails.repeated} digests that arrived twice."
        if failed := after.digests_failed - self.before.digests_failed:
            yield f"{failed} digests were refused by the mail server."
        yield from _difference("digests", mails.digests, after.digests_sent, after.digests_in_doubt)
        yield from _difference("letters", mails.letters, after.letters_sent, after.letters_in_doubt)

    @property
    def _confirmed(self) -> int:
        return self.after.readers_confirmed - self.before.readers_confirmed

    @property
    def _sent(self) -> int:
        return self.after.digests_sent - self.before.digests_sent

    @property
    def _skipped(self) -> Counter[str]:
        return Counter(self.after.digests_skipped) - Counter(self.before.digests_skipped)

    @staticmethod
    def _so_far(total: int, now: int) -> str:
        return f" ({total} since the first demo)" if total != now else ""


def _difference(what: str, found: int, sent: int, in_doubt: int) -> Iterator[str]:
    if not sent <= found <= sent + in_doubt:
        yield f"The mailbox has {found} {what}, but the database says that {sent} were sent."
