"""Where papers come from. Bytes in, `SourcePaper` values out, or one `SourceError`; no Django.

* ``base``         what all sources share: SourcePaper, Answer, SourceError, reading and paging
* ``huggingface``  Hugging Face Daily Papers, by day, with votes
* ``arxiv``        arXiv's announcements of today, and its query API for a day of the past
* ``feed``         any RSS or Atom feeds
* ``sample``       a few dozen papers that come with Broadsheet
* ``http``         one careful GET, with limits on time, bytes, redirects and addresses
* ``markup``       hostile XML and HTML to text;  ``text``  cleaning, cutting, dates
* ``keys``         which paper is it, and which links may be followed

A new source is a module with a class like `base.Source`, and a line in `get_source`.
"""

from collections.abc import Callable, Sequence

from .arxiv import Arxiv
from .base import Answer, Download, Get, NotYet, Source, SourceError, SourcePaper
from .feed import Feeds
from .http import download
from .huggingface import HuggingFace
from .sample import Sample

__all__ = [
    "Answer",
    "Download",
    "Get",
    "NotYet",
    "Source",
    "SourceError",
    "SourcePaper",
    "download",
    "get_source",
]


def get_source(
    name: str, *, arxiv_categories: Sequence[str] = (), feeds: Sequence[str] = ()
) -> Source:
    """The source of that name, set up. Raises SourceError if there is none."""
    sources: dict[str, Callable[[], Source]] = {
        "huggingface": HuggingFace,
        "arxiv": lambda: Arxiv(arxiv_categories),
        "feeds": lambda: Feeds(feeds),
        "sample": Sample,
    }
    if name not in sources:
        raise SourceError(
            f"There is no source “{name}”. The sources are: {', '.join(sources)}.",
            permanent=True,
        )
    return sources[name]()
