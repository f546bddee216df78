"""What was learnt about the starter topics: weights of words, in ``topic_weights.json``.

They are words and numbers, made from papers and their keywords by ``manage.py fit_topics``, and
hold no text of a paper.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from .tfidf import Weights

FILE = Path(__file__).with_name("topic_weights.json")


def weights_of(slug: str) -> Weights | None:
    """Return what was learnt about the topic, None if nothing was."""
    return _learnt().get(slug)


def as_json(learnt: Mapping[str, Weights]) -> str:
    """Return the text of the file: a topic a line, the words that say most first."""
    lines = [
        f" {json.dumps(slug)}: {json.dumps({'bias': weights.bias, 'of': dict(weights.of)})}"
        for slug, weights in learnt.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


@cache
def _learnt() -> dict[str, Weights]:
    read = json.loads(FILE.read_text())
    return {slug: Weights(each["bias"], each["of"]) for slug, each in read.items()}
