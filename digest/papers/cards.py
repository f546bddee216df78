"""What a mail says of one paper, in the words and lengths of a mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.models import EditionPaper, Paper
from digest.sources.keys import web_link
from digest.sources.latex import plain
from digest.sources.text import ABSTRACT_LENGTH, clean

from .excerpts import excerpt, shorten

TITLE_LENGTH = 300
SUMMARY_LENGTH = 360
NAME_LENGTH = 60
NAMED_AUTHORS = 3
SOURCE_NAMES = {
    "huggingface": "Hugging Face Daily Papers",
    "arxiv": "arXiv",
    "sample": "Sample",
}


@dataclass(frozen=True, slots=True)
class PaperCard:
    """The values that the card templates show; figures are those of the closed edition.

    `page_url` is the paper's public page. A link that a reader may not be given is "".
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

    @property
    def authors_line(self) -> str:
        return authors_line(self.names, self.num_authors)

    @property
    def authors_html(self) -> SafeString:
        """The same, each name apart from its neighbours whichever way it is written."""
        names = [format_html("<bdi>{}</bdi>", name) for name in self.names]
        # Only the names are foreign, and they are escaped.
        return mark_safe(authors_line(names, self.num_authors))


def describe(candidate: EditionPaper) -> PaperCard:
    """The card's values, in the language that is active. All foreign text is made clean here."""
    paper = candidate.paper
    return PaperCard(
        title=title_of(paper),
        url=web_link(paper.url),
        page_url=page_url(paper),
        names=tuple(shorten(clean(name, 200), NAME_LENGTH) for name in _first_authors(paper)),
        num_authors=max(paper.num_authors, len(paper.authors)),
        organization=shorten(clean(paper.organization, 200), NAME_LENGTH),
        source_name=SOURCE_NAMES.get(paper.first_source, paper.first_source),
        published=paper.published_at.date() if paper.published_at else None,
        votes=candidate.votes,
        comments=candidate.comments,
        code_url=web_link(paper.code_url),
        summary=excerpt(clean(plain(paper.abstract), ABSTRACT_LENGTH), SUMMARY_LENGTH),
    )


def title_of(paper: Paper) -> str:
    """The title as a reader reads it: without TeX, floods and invisible characters."""
    return shorten(clean(plain(paper.title), 400), TITLE_LENGTH) or paper.key


def page_url(paper: Paper) -> str:
    """Where everybody may read of the paper: the link to pass on."""
    return f"{settings.SITE_URL}/papers/{paper.pk}/{slug_of(paper)}"


def slug_of(paper: Paper) -> str:
    """The title's words in the address of its page; only for the eye."""
    slug = slugify(title_of(paper))
    return (slug if len(slug) <= 60 else slug[:61].rpartition("-")[0]) or "paper"


def best_topic(candidate: EditionPaper) -> int | None:
    """The id of the topic that the paper fits best, if it fits one."""
    return int(max(candidate.fits, key=candidate.fits.__getitem__)) if candidate.fits else None


def authors_line(names: Sequence[str], number: int) -> str:
    """The authors by name and the others by number; only a number if no name is known."""
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


def _first_authors(paper: Paper) -> Sequence[str]:
    return paper.authors[:NAMED_AUTHORS]
