"""Which papers hold a keyword, or are by an author."""

from collections import defaultdict
from collections.abc import Sequence

from digest.models import Paper
from subscribers.comparing import names
from subscribers.comparing.phrases import Texts
from subscribers.comparing.tokens import EVERYWHERE, tokens
from subscribers.models import Term

# A single word says too little: every paper on agents has "agent".
_SEVERAL = 2


def holds(title: str, abstract: str, keyword: str) -> bool:
    """Return whether the title or the abstract holds the keyword (``comparing.phrases``)."""
    return bool(Texts([(title, abstract)]).holding(keyword))


class TermIndex:
    """Some papers, ready to be asked for any number of terms."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = papers
        self._texts = Texts((paper.title, paper.abstract) for paper in papers)
        self._names: defaultdict[str, list[int]] = defaultdict(list)
        for place, paper in enumerate(papers):
            for key in names.keys_of_all(paper.authors):
                self._names[key].append(place)

    def places(self, kind: str, key: str) -> set[int]:
        """Return which papers hold the keyword, or are by the author, by their index.

        `key` is the term's key (``terms.key``); what it is compared by is made of it here.
        """
        if kind == Term.Kind.AUTHOR:
            return {place for name in names.wanted(key) for place in self._names.get(name, ())}
        return self._texts.holding(key)

    def with_all_words(self, key: str) -> set[int]:
        """Return which papers hold each word of a keyword of several words, wherever it stands."""
        words = {token.text + token.sign for token in tokens(key) if token.text not in EVERYWHERE}
        if len(words) < _SEVERAL:
            return set()
        return set.intersection(*(self._texts.holding(word) for word in words))

    def printed(self, place: int, author: str) -> str:
        """Return a followed author's name as the paper prints it, which is why it was chosen."""
        matching = (name for name in self._papers[place].authors if names.is_match(author, name))
        return next(matching, author)
