"""The sources that Broadsheet knows, each in one line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .arxiv import Arxiv
from .base import Source, SourceError
from .feed import Feeds
from .huggingface import HuggingFace
from .sample import Sample


@dataclass(frozen=True, slots=True)
class Registered:
    """A source as the registry knows it.

    `label` is what readers see where a paper has no `source_title`. `make` builds the source.
    `option` is the option that `make` takes, if it takes one; the setting that holds its value
    has the same name in capitals (``ARXIV_CATEGORIES``).
    """

    label: str
    make: Callable[..., Source]
    option: str = ""


SOURCES: Mapping[str, Registered] = {
    "huggingface": Registered("Hugging Face Daily Papers", HuggingFace),
    "arxiv": Registered("arXiv", Arxiv, option="arxiv_categories"),
    "feeds": Registered("Feed", Feeds, option="feeds"),
    "sample": Registered("Sample", Sample),
}
OPTIONS = tuple(source.option for source in SOURCES.values() if source.option)


def get_source(name: str, **options: Sequence[str]) -> Source:
    """Return the source of that name, made from its option among `options`.

    An option that is not given is empty; options of other sources are ignored. Raises
    SourceError if there is no such source.
    """
    source = SOURCES.get(name)
    if source is None:
        raise SourceError(f"There is no source “{name}”. The sources are: {', '.join(SOURCES)}.")
    return source.make(options.get(source.option, ())) if source.option else source.make()


def label_of(name: str) -> str:
    """Return what readers see for the source; the name itself if it is no longer registered."""
    source = SOURCES.get(name)
    return source.label if source else name
