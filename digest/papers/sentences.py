"""The sentence that says what a paper does, and who says it.

In this order: the summary of the source's own machine, one by the operator's language model, and
the sentence of the abstract that says what was done. A closing edition keeps them with each
candidate (`kept`), so that a mail can be made again with the sentence that it had.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from digest.models import Curation, EditionPaper, Paper, Summary

from .checking import is_fit_from_source, is_in_language
from .excerpts import excerpt, telling_excerpt

LENGTH = 360
# What the sources' machines write in.
_SOURCES_LANGUAGE = "en"
_SOME_MACHINE = "a model"


class Sentence(NamedTuple):
    """What is said of a paper. `machine` names the model that wrote it, or is ""."""

    text: str
    machine: str = ""


def kept(paper: Paper, summaries: Mapping[str, Summary]) -> dict[str, Any]:
    """Return what is said of the paper, for `EditionPaper.sentences`.

    ``{"abstract": "We propose …", "machines": {"en": ["It …", "a model"]}}``. `summaries` are those
    of the operator's model by language.
    """
    said = {language: [one.text, one.model] for language, one in summaries.items() if one.text}
    if own := of_source(paper):
        said[_SOURCES_LANGUAGE] = list(own)
    return {"abstract": telling_excerpt(paper.abstract, LENGTH), "machines": said}


def of_source(paper: Paper) -> Sentence | None:
    """Return the summary that the source gives, if it can be shown."""
    if not is_fit_from_source(paper.summary) or not is_in_language(
        paper.summary, _SOURCES_LANGUAGE
    ):
        return None
    return Sentence(excerpt(paper.summary, LENGTH, sentences=2), paper.summary_by or _SOME_MACHINE)


def shown(
    candidate: EditionPaper, curation: Curation | None, language: str, *, is_live: bool
) -> Sentence:
    """Return what a card in this language says of the paper.

    An operator's own words come first. Mails have what their edition closed with; pages that are
    `is_live` also have what the source has added since.
    """
    if curation and (curation.summary or curation.shows == Curation.Shows.NOTHING):
        return Sentence(curation.summary)
    said: dict[str, Any] = candidate.sentences or {}
    if not (curation and curation.shows == Curation.Shows.ABSTRACT):
        machines: Mapping[str, Sequence[str]] = said.get("machines", {})
        if found := machines.get(language) or machines.get(_SOURCES_LANGUAGE):
            return Sentence(*found)
        if is_live and (own := of_source(candidate.paper)):
            return own
    if "abstract" in said:
        return Sentence(said["abstract"])
    return Sentence(telling_excerpt(candidate.paper.abstract, LENGTH))


def summaries_of(papers: Sequence[Paper]) -> dict[int, dict[str, Summary]]:
    """Return what the operator's model made of each paper, by paper id and language."""
    found: dict[int, dict[str, Summary]] = {}
    for one in Summary.objects.filter(paper__in=papers).exclude(text=""):
        found.setdefault(one.paper_id, {})[one.language] = one
    return found
