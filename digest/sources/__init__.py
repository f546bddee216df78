"""Reading what the outside world says about papers: pure, without Django.

In: the bytes that a source answers with. Out: `SourcePaper` values, their texts presentable and
bounded, or one `SourceError`.

Read in this order:

* ``base``         what all sources share: SourcePaper, Answer, SourceError, fetching and paging
* ``registry``     the list of sources: name, label for readers, how each is made
* ``huggingface``  Hugging Face Daily Papers, by day, with votes
* ``arxiv``        arXiv's announcements of today, and its query API for past days
* ``feed``         any RSS or Atom feed
* ``sample``       a few dozen papers that ship with Broadsheet
* ``http``         one careful GET, limited in time, bytes and redirects
* ``addresses``    which addresses may be requested at all
* ``markup``       hostile XML and HTML to text
* ``authors``      the names of authors, however a feed writes them
* ``notices``      withdrawals, corrections and other announcements that are no papers
* ``text``         cleaning, shortening and comparing texts, and reading dates
* ``latex``        LaTeX to plain characters
* ``keys``         which paper an id or a link names, and which links may be followed

To add a source, write a module with a class like `base.Source` and add a line to
`registry.SOURCES`.
"""

from .base import (
    Answer,
    Download,
    Get,
    NotYet,
    Source,
    SourceError,
    SourcePaper,
    Validators,
)
from .http import download
from .registry import OPTIONS, SOURCES, get_source, label_of

__all__ = [
    "OPTIONS",
    "SOURCES",
    "Answer",
    "Download",
    "Get",
    "NotYet",
    "Source",
    "SourceError",
    "SourcePaper",
    "Validators",
    "download",
    "get_source",
    "label_of",
]
