"""What a mail or a page says about one paper.

In: a candidate of a closed edition, its texts presentable since intake. Out: a `PaperCard`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from digest.models import Curation, EditionPaper, Paper
from digest.sources import label_of
from digest.sources.keys import discussion_link, pdf_link, web_link
from digest.sources.text import shorten

from .sentences import shown

TITLE_LENGTH = 300
NAME_LENGTH = 60
NAMED_AUTHORS = 3


@dataclass(frozen=True, slots=True)
class PaperCard:
    """The values that card templates show.

    Votes and comments are those of the closed edition in mails, and the newest ones on live pages.

    `page_url` is the paper's public page. A link that must not be given to readers is "". `note` is
    the operator's. `machine` is the model that wrote the summary, "" if people did. `picture_url`
    is on our own host, "" without a picture.
    """

    title: str
    url: str
    page_url: str
    names: tuple[str, ...]
    num_authors: int
    organization: str
    source_name: str
    published: date | None
    votes: int
    comments: int
    code_url: str
    summary: str
    note: str = ""
    machine: str = ""
    picture_url: str = ""
    pdf_url: str = ""
    project_url: str = ""
    discussion_url: str = ""

    @property
    def links(self) -> list[tuple[str, str]]:
        """Where there is more of the paper: names and addresses, those that are known."""
        known = [
            (_("Read"), self.url),
            ("PDF", self.pdf_url),
            (_("Code"), self.code_url),
            (_("Project"), self.project_url),
            (_("Discuss"), self.discussion_url),
        ]
        return [(name, address) for name, address in known if address]

    @property
    def summary_label(self) -> str:
        """What must stand with the summary: whether a machine wrote it."""
        return _("Summary by a machine") if self.machine else ""

    @property
    def authors_line(self) -> str:
        return authors_line(self.names, self.num_authors)

    @property
    def authors_html(self) -> SafeString:
        """`authors_line` with each name isolated from its neighbours' writing direction."""
        names = [format_html("<bdi>{}</bdi>", name) for name in self.names]
        # Only the names come from outside, and they are escaped.
        return mark_safe(authors_line(names, self.num_authors))

    @property
    def votes_line(self) -> str:
        """The number of votes in words, or "" without votes."""
        votes = ngettext("%(number)s vote", "%(number)s votes", self.votes)
        return votes % {"number": self.votes} if self.votes else ""

    @property
    def comments_line(self) -> str:
        """The number of comments in words, or "" without comments."""
        comments = ngettext("%(number)s comment", "%(number)s comments", self.comments)
        return comments % {"number": self.comments} if self.comments else ""

    @property
    def meta_line(self) -> str:
        """Organization, source, date, votes and comments, those that are known, as plain text."""
        parts = [self.organization, self.source_name, self._date]
        return ", ".join(filter(None, [*parts, self.votes_line, self.comments_line]))

    @property
    def origin_html(self) -> SafeString:
        """Organization, source and date, those that are known."""
        organization = format_html("<bdi>{}</bdi>", self.organization) if self.organization else ""
        return _joined([organization, self.source_name, self._date])

    @property
    def meta_html(self) -> SafeString:
        """The authors, and below them what `meta_line` holds."""
        return _joined([self.short_meta_html, self.comments_line])

    @property
    def short_meta_html(self) -> SafeString:
        """`meta_html` without the comments."""
        authors = self.authors_html
        origin = format_html("{}<br>{}", authors, self.origin_html) if authors else self.origin_html
        return _joined([origin, self.votes_line])

    @property
    def _date(self) -> str:
        if self.published is None:
            return ""
        return date_format(self.published, pgettext("a date", "j F Y"))


def _joined(parts: Iterable[str]) -> SafeString:
    """The parts that are not empty, escaped where they need it. No line begins with a dot."""
    return format_html_join(mark_safe("&nbsp;· "), "{}", ((part,) for part in parts if part))


def describe(
    candidate: EditionPaper, curation: Curation | None = None, *, is_live: bool = False
) -> PaperCard:
    """Return the card of a candidate, in the active language, its texts cut to a card's length.

    `curation` is what an operator made of it. Mails have the summary and the figures with which the
    edition closed; pages that are `is_live` have the newest, and what the source has added since.
    """
    paper = candidate.paper
    figures = paper if is_live else candidate
    summary, machine = shown(candidate, curation, get_language() or "en", is_live=is_live)
    return PaperCard(
        title=title_of(paper),
        url=web_link(paper.url),
        page_url=page_url(paper),
        names=tuple(shorten(name, NAME_LENGTH) for name in paper.authors[:NAMED_AUTHORS]),
        num_authors=max(paper.num_authors, len(paper.authors)),
        organization=shorten(paper.organization, NAME_LENGTH),
        source_name=source_name(paper),
        published=paper.published_at.date() if paper.published_at else None,
        votes=figures.votes,
        comments=figures.comments,
        code_url=web_link(paper.code_url),
        pdf_url=pdf_link(paper.key, paper.url),
        project_url=project_url(paper),
        discussion_url=discussion_url(paper),
        summary=summary,
        note=curation.note if curation else "",
        machine=machine,
        picture_url=picture_url(paper.picture, curation),
    )


def project_url(paper: Paper) -> str:
    """Return the paper's page of its own, "" if it has none but the one with its code."""
    link = web_link(paper.project_url)
    return "" if link.rstrip("/") == web_link(paper.code_url).rstrip("/") else link


def discussion_url(paper: Paper) -> str:
    """Return where people discuss the paper: its page on Hugging Face, if it is listed there."""
    is_listed = paper.first_source == "huggingface" or paper.votes or paper.comments
    return discussion_link(paper.key) if is_listed else ""


def picture_url(name: str, curation: Curation | None) -> str:
    """Return the address of the picture with this name on our host; "" if there is none to show."""
    is_hidden = not name or (curation is not None and curation.hides_picture)
    return "" if is_hidden else f"{settings.SITE_URL}/pictures/{name}"


def title_of(paper: Paper) -> str:
    """Return the title, cut to a card's length; the paper's key if it has no title."""
    return shorten(paper.title, TITLE_LENGTH) or paper.key


def source_name(paper: Paper) -> str:
    """Return what readers see as the paper's source."""
    return shorten(paper.source_title, NAME_LENGTH) or label_of(paper.first_source)


def page_url(paper: Paper) -> str:
    """Return the address of the paper's public page, the link to share."""
    return f"{settings.SITE_URL}/papers/{paper.pk}/{slug_of(paper)}"


def slug_of(paper: Paper) -> str:
    """Return the title's words for the address of its page. Any slug finds the page."""
    slug = slugify(title_of(paper))
    return (slug if len(slug) <= 60 else slug[:61].rpartition("-")[0]) or "paper"


def best_topic(candidate: EditionPaper) -> int | None:
    """Return the id of the topic that the paper fits best; None if it fits none."""
    return best_of(candidate.fits)


def best_of(fits: Mapping[str, float]) -> int | None:
    """Return the id of the topic with the best of these fits; None if there is none."""
    return int(max(fits, key=fits.__getitem__)) if fits else None


def authors_line(names: Sequence[str], number: int) -> str:
    """Return the known names, and how many more of `number` authors there are, in words."""
    others = number - len(names)
    if not names:
        if not others:
            return ""
        return ngettext("%(number)d author", "%(number)d authors", others) % {"number": others}
    if others:
        return ngettext(
            "%(names)s and %(number)d other", "%(names)s and %(number)d others", others
        ) % {"names": ", ".join(names), "number": others}
    if len(names) == 1:
        return names[0]
    return _("%(names)s and %(name)s") % {"names": ", ".join(names[:-1]), "name": names[-1]}
