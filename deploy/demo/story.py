"""The demo's readers. They see only what any reader sees: the site's pages and their own mail."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from deploy.demo import mailbox
from deploy.demo.pages import Page, links_in, read_page

# Anything that submits the form faster than this is taken for a bot.
FILLING_SECONDS = 2.2
MAIL_SECONDS = 45.0
# The page of preferences itself, and none of those below it.
_PREFERENCES = re.compile(r".*/p/[^/]+")


class StoryError(RuntimeError):
    """Something went wrong; the message says what."""


@dataclass(frozen=True, slots=True)
class Reader:
    """`follows` holds positions of topics on the form, `prefers` fields of the preferences."""

    name: str
    zone: str
    follows: tuple[int, ...] = ()
    prefers: Mapping[str, str] = field(default_factory=dict)


READERS = (
    Reader("ada", "Europe/London", (0, 1), {"hour": "6"}),
    Reader("bruno", "America/Sao_Paulo", (2,)),
    Reader("chidi", "Africa/Lagos", (3, 4), {"length": "5"}),
    Reader("dana", "America/New_York", (5,)),
    Reader("emeka", "Africa/Lagos", (0, 7, 8)),
    Reader("farah", "Asia/Karachi", (1, 9), {"frequency": "weekly", "weekday": "4"}),
    Reader("goro", "Asia/Tokyo", (10,)),
    Reader("hana", "Asia/Seoul", (0, 2, 4), {"frequency": "weekdays", "hour": "21"}),
    Reader("ines", "Europe/Lisbon"),  # no topic: gets the top-voted papers
    Reader("jonas", "Europe/Berlin", (3,)),
    Reader("kiri", "Pacific/Auckland", (5, 7)),
    # The last topic before "Other subjects": no paper is about it.
    Reader("lars", "Europe/Oslo", (-2,)),
)


class Story:
    """One run's readers on the site at `url`. Their mail arrives in the folder `mails`."""

    def __init__(self, url: str, mails: Path, run: int, check: Callable[[], None]) -> None:
        """`check` is called while waiting; it raises if a process has ended."""
        self._url = url
        self._mails = mails
        self._run = run
        self._check = check
        self._last_mail = next(iter(mailbox.ids(mails)), "")
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy cannot reach this machine's own addresses

    def sign_up(self) -> int:
        """Every reader fills in the form. Returns how many got their confirmation mail."""
        forms = [self._get(self._url) for _ in READERS]
        time.sleep(FILLING_SECONDS)
        for reader, form in zip(READERS, forms, strict=True):
            topics = form.choices["topics"]
            followed = [topics[place % len(topics)] for place in reader.follows]
            address = self._address(reader)
            self._post(self._url, form.filled(email=address, topics=followed, zone=reader.zone))
        self._wait_for_letters()
        return len(READERS)

    def confirm(self) -> int:
        """Every reader opens the link in their confirmation mail and presses the button.

        Returns how many did.
        """
        for mail in self._letters().values():
            link = self._link(mail, "/c/")
            self._post(link, self._get(link).filled())
        return len(READERS)

    def choose(self) -> int:
        """Some readers set their preferences, through the link on the confirmation page.

        Returns how many did.
        """
        chosen = [reader for reader in READERS if reader.prefers]
        letters = self._letters()
        for reader in chosen:
            confirmed = self._get(self._link(letters[self._address(reader)], "/c/"))
            (link,) = filter(_PREFERENCES.fullmatch, confirmed.links)
            saved_at = self._post(link, self._get(link).filled(**reader.prefers))
            if not saved_at.endswith("?saved"):
                raise StoryError(f"The preferences of {reader.name} were not saved.")
        return len(chosen)

    def leave(self) -> str:
        """The first reader unsubscribes as a mail program would, with one POST (RFC 8058).

        Returns the reader's name.
        """
        leaver = READERS[0]
        digests = self._arrived(is_digest=True)
        header = str(digests[self._address(leaver)].message["List-Unsubscribe"])
        self._post(header.strip("<>"), {"List-Unsubscribe": ["One-Click"]})
        return leaver.name

    # --- the mailbox -----------------------------------------------------------------------
    def _address(self, reader: Reader) -> str:
        return f"{reader.name}.{self._run}@example.org"

    def _letters(self) -> dict[str, mailbox.Mail]:
        return self._arrived(is_digest=False)

    def _arrived(self, *, is_digest: bool) -> dict[str, mailbox.Mail]:
        """This run's digests, or its letters, by recipient."""
        return {
            mail.to: mail
            for mail in mailbox.since(self._mails, self._last_mail)
            if ("List-Unsubscribe" in mail.message) == is_digest
        }

    def _wait_for_letters(self) -> None:
        wanted = {self._address(reader) for reader in READERS}
        deadline = time.monotonic() + MAIL_SECONDS
        while missing := wanted - self._letters().keys():
            self._check()
            if time.monotonic() > deadline:
                raise StoryError(
                    f"{len(missing)} readers received no confirmation mail within "
                    f"{MAIL_SECONDS:.0f} seconds."
                )
            time.sleep(0.1)

    def _link(self, mail: mailbox.Mail, path: str) -> str:
        return next(link for link in links_in(mail.text) if link.startswith(self._url + path))

    # --- the site --------------------------------------------------------------------------
    def _get(self, url: str) -> Page:
        return read_page(self._checked(self._session.get(url, timeout=20)).text)

    def _post(self, url: str, fields: Mapping[str, list[str]]) -> str:
        """Send a form and return the URL of the page that followed."""
        return self._checked(self._session.post(url, data=fields, timeout=20)).url

    def _checked(self, response: requests.Response) -> requests.Response:
        if response.status_code != 200:
            # The first letter of the path names the page; the rest may be a token.
            page = response.url.removeprefix(self._url)[:3]
            raise StoryError(f"The site answered {response.status_code} for {page or '/'}…")
        return response
