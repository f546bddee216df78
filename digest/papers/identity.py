"""Which stored paper is meant by what a source lists.

A paper has several names: an arXiv id, a DOI, addresses, the ids that feeds give it. Some prove
that two papers are one; others do so only together with the title.
"""

from collections.abc import Collection, Iterable

from django.db.models import Q

from digest.models import Paper, PaperKey
from digest.sources import SourcePaper
from digest.sources.authors import surname
from digest.sources.keys import is_of_feed, is_proof, kind, may_be_versions
from digest.sources.notices import withdrawn_title
from digest.sources.text import TELLING_TITLE, title_key, words_of

# A feed that changes its addresses at every look would give a paper new names for ever.
_MOST_OTHER_KEYS = 30


class Known:
    """The stored papers that some papers of an answer may be, found by any of their names."""

    def __init__(self, given: Collection[SourcePaper]) -> None:
        keys = {key for paper in given for key in paper.keys}
        titles = {title_key(paper.title) for paper in given} | {
            title_key(title) for paper in given if (title := withdrawn_title(paper.title))
        }
        named = PaperKey.objects.filter(key__in=keys).values_list("paper", flat=True)
        self.papers = list(
            Paper.objects.filter(Q(key__in=keys) | Q(title_key__in=titles) | Q(pk__in=list(named)))
            .order_by("pk")
            .select_for_update()
        )
        self._by_key: dict[str, Paper] = {}
        self._by_title: dict[str, list[Paper]] = {}
        self._number: dict[Paper, int] = {}
        self._learned: dict[str, Paper] = {}
        by_pk = {paper.pk: paper for paper in self.papers}
        for paper in self.papers:
            self._by_title.setdefault(paper.title_key, []).append(paper)
        others = PaperKey.objects.filter(paper__in=self.papers).values_list("paper", "key")
        for pk, key in others.order_by("pk"):
            self._by_key[key] = by_pk[pk]
            self._number[by_pk[pk]] = self._number.get(by_pk[pk], 0) + 1
        self._by_key |= {paper.key: paper for paper in self.papers}

    def find(self, given: SourcePaper) -> Paper | None:
        """Return the paper that `given` is, or None if it is new."""
        for key in given.keys:
            paper = self._by_key.get(key)
            if paper and (key == given.key or _is_meant(key, given, paper)):
                return paper
        titled = self._by_title.get(title_key(given.title), [])
        return next((paper for paper in titled if _is_same_work(given, paper)), None)

    def titled(self, title: str, source: str) -> Paper | None:
        """Return the one paper of `source` that has this telling title."""
        form = title_key(title)
        found = [paper for paper in self._by_title.get(form, []) if paper.first_source == source]
        return found[0] if len(found) == 1 and len(form) >= TELLING_TITLE else None

    def learn(self, paper: Paper, given: SourcePaper, former: str) -> None:
        """Remember the names in `given`, and the key that the paper had until now."""
        if paper not in self._by_title.setdefault(title_key(given.title), []):
            self._by_title[title_key(given.title)].append(paper)
        self._by_key[paper.key] = paper
        for key in (former, *given.keys):
            number = self._number.get(paper, 0) if paper.pk else 0
            is_new = key not in self._by_key or (key == former and key not in self._learned)
            if key != paper.key and is_new and number < _MOST_OTHER_KEYS:
                self._by_key[key] = self._learned[key] = paper
                if paper.pk:
                    self._number[paper] = number + 1

    def save(self) -> None:
        rows = [PaperKey(paper=paper, key=key) for key, paper in self._learned.items()]
        PaperKey.objects.bulk_create(rows, ignore_conflicts=True)


def _is_meant(key: str, given: SourcePaper, paper: Paper) -> bool:
    """Whether a name that `given` has beside its key means `paper`."""
    if is_proof(key):
        return True
    if kind(given.key) == kind(paper.key) != "" and is_proof(given.key):
        return False  # two DOIs of one publisher
    title = title_key(given.title)
    if title == paper.title_key:
        return len(title) >= TELLING_TITLE or is_of_feed(key)
    return is_of_feed(key) and _are_alike(given.title, paper.title)


def _are_alike(title: str, other: str) -> bool:
    """Whether two titles differ by little, as after a correction."""
    words, others = words_of(title), words_of(other)
    return len(words & others) * 3 >= len(words | others) * 2 > 0


def _is_same_work(given: SourcePaper, paper: Paper) -> bool:
    """Whether two papers of the same title are one. In doubt they are not.

    The title must be long enough to prove it, the keys must be of different kinds, and if both
    name authors, they must have one in common.
    """
    names = _surnames(given.authors)
    others = _surnames(paper.authors)
    return (
        len(title_key(given.title)) >= TELLING_TITLE
        and may_be_versions(given.key, paper.key)
        and (not names or not others or not names.isdisjoint(others))
    )


def _surnames(authors: Iterable[str]) -> set[str]:
    return set(map(surname, authors))
