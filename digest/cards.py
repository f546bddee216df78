"""What a mail says of one paper, in the words and lengths of a mail."""

from dataclasses import dataclass
from datetime import date

from .models import EditionPaper, Paper

SUMMARY_LENGTH = 300
NAMED_AUTHORS = 3
SOURCE_NAMES = {
    "huggingface": "Hugging Face Daily Papers",
    "arxiv": "arXiv",
    "sample": "Sample",
}


@dataclass(frozen=True, slots=True)
class PaperCard:
    """The values that the card templates show; figures are those of the closed edition."""

    title: str
    url: str
    authors_line: str
    source_name: str
    published: date | None
    votes: int
    comments: int
    code_url: str
    summary: str


def describe(candidate: EditionPaper) -> PaperCard:
    paper = candidate.paper
    return PaperCard(
        title=paper.title,
        url=paper.url,
        authors_line=authors_line(paper),
        source_name=SOURCE_NAMES.get(paper.first_source, paper.first_source),
        published=paper.published_at.date() if paper.published_at else None,
        votes=candidate.votes,
        comments=candidate.comments,
        code_url=paper.code_url,
        summary=shorten(paper.abstract, SUMMARY_LENGTH),
    )


def authors_line(paper: Paper) -> str:
    """The first authors by name and the others by number; only a number if no name is known."""
    named = paper.authors[:NAMED_AUTHORS]
    others = max(paper.num_authors, len(paper.authors)) - len(named)
    if not named:
        return f"{others} author{'' if others == 1 else 's'}" if others else ""
    if others == 0:
        return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"{', '.join(named)} and {others} other{'' if others == 1 else 's'}"


def shorten(text: str, length: int) -> str:
    """`text` cut to `length` characters at the end of a sentence if one is near, else a word."""
    if len(text) <= length:
        return text
    head = text[:length]
    sentence = head.rfind(". ")
    if sentence >= length * 2 // 3:
        return head[: sentence + 1]
    return head.rpartition(" ")[0].rstrip(",;:–— ") + "…"
