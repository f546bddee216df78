"""The demo's readers. They know what anybody knows: the site's pages, and their own mail."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from deploy.demo import mailbox
from deploy.demo.pages import Page, links_in, read_page

# The form takes whoever fills it in more quickly than this for a program.
FILLING_SECONDS = 2.2
MAIL_SECONDS = 45.0


class StoryError(RuntimeError):
    """Something did not happen as it should; the text says what."""


@dataclass(frozen=True, slots=True)
class Reader:
    """`follows` holds the places of topics on the form; `prefers`, fields of the preferences."""

    name: str
    zone: str
    follows: tuple[int, ...] = ()
    prefers: Mapping[str, str] = field(default_factory=dict)


READERS = (
    Reader("ada", "Europe/London", (0, 1), {"hour": "6"}),
    Reader("bruno", "America/Sao_Paulo", (2,)),
    Reader("chidi", "Africa/Lagos", (3, 4), {"length": "5"}),
    Reader("dana", "America/New_York", (5,)),
    Reader("emeka", "Africa/Lagos", (0, 6, 7)),
    Reader("farah", "Asia/Karachi", (1, 8), {"frequency": "weekly", "weekday": "4"}),
    Reader("goro", "Asia/Tokyo", (9,)),
    Reader("hana", "Asia/Seoul", (0, 2, 4), {"frequency": "weekdays", "hour": "21"}),
    Reader("ines", "Europe/Lisbon"),  # no topic: the most voted papers
    Reader("jonas", "Europe/Berlin", (3,)),
    Reader("kiri", "Pacific/Auckland", (5, 6)),
    Reader("lars", "Europe/Oslo", (-1,)),  # the last topic on the form: no paper is about it
)


class Story:
    """One run's readers on the site at `url`, whose mail comes into the folder `mails`."""

    def __init__(self, url: str, mails: Path, run: int, check: Callable[[], None]) -> None:
        """`check` is called while waiting, and raises if a process has ended."""
        self._url = url
        self._mails = mails
        self._run = run
        self._check = check
        self._last_mail = next(iter(mailbox.ids(mails)), "")
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy cannot see this machine's own addresses

    def sign_up(self) -> int:
        """Every reader fills in the form. Answers how many got their letter."""
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
        """Every reader opens the link in their letter and presses the button."""
        for mail in self._letters().values():
            link = self._link(mail, "/c/")
            self._post(link, self._get(link).filled())
        return len(READERS)

    def choose(self) -> int:
        """Some readers set their preferences, by the link on the page that confirmed them."""
        chosen = [reader for reader in READERS if reader.prefers]
        letters = self._letters()
        for reader in chosen:
            confirmed = self._get(self._link(letters[self._address(reader)], "/c/"))
            (link,) = (link for link in confirmed.links if "/p/" in link and "/papers" not in link)
            saved_at = self._post(link, self._get(link).filled(**reader.prefers))
            if not saved_at.endswith("?saved"):
                raise StoryError(f"The preferences of {reader.name} were not saved.")
        return len(chosen)

    def leave(self) -> str:
        """The first reader unsubscribes, as a mail program does it: one POST (RFC 8058)."""
        leaver = READERS[0]
        digests = self._came(is_digest=True)
        header = str(digests[self._address(leaver)].message["List-Unsubscribe"])
        self._post(header.strip("<>"), {"List-Unsubscribe": ["One-Click"]})
        return leaver.name

    # --- the mailbox -----------------------------------------------------------------------
    def _address(self, reader: Reader) -> str:
        return f"{reader.name}.{self._run}@example.org"

    def _letters(self) -> dict[str, mailbox.Mail]:
        return self._came(is_digest=False)

    def _came(self, *, is_digest: bool) -> dict[str, mailbox.Mail]:
        """This run's digests, or its letters, by address."""
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
                    f"{len(missing)} readers got no confirmation mail within "
                    f"{MAIL_SECONDS:.0f} seconds."
                )
            time.sleep(0.1)

    def _link(self, mail: mailbox.Mail, path: str) -> str:
        return next(link for link in links_in(mail.text) if link.startswith(self._url + path))

    # --- the site --------------------------------------------------------------------------
    def _get(self, url: str) -> Page:
        return read_page(self._answer(self._session.get(url, timeout=20)).text)

    def _post(self, url: str, fields: Mapping[str, list[str]]) -> str:
        """Send a form and answer the address of the page that came after it."""
        return self._answer(self._session.post(url, data=fields, timeout=20)).url

    def _answer(self, response: requests.Response) -> requests.Response:
        if response.status_code != 200:
            # The path's first letter says which page it was; the rest may be a token.
            page = response.url.removeprefix(self._url)[:3]
            raise StoryError(f"The site answered {response.status_code} for {page or '/'}…")
        return response
