"""``manage.py evaluate_topics``: measure how well papers are matched to the starter topics."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from numpy.typing import NDArray
from rich.table import Table

from digest.ranking.measuring.collection import text_of
from digest.ranking.tfidf import topic_fits

from .evaluate_ranking import as_text, rows_of, starter_topics

# What a paper on the topic has in its keywords, which the matcher does not see. This is a rough
# yardstick: a machine chose the keywords, and they name methods more often than subjects.
_MARKS: Mapping[str, tuple[str, ...]] = {
    "language-models": ("pretrain", "pre-train", "language model", "scaling law", "long-context"),
    "reasoning": ("reasoning", "chain-of-thought", "math"),
    "reinforcement-learning": ("reinforcement learning", "policy optimization", "reward", "grpo"),
    "instruction-tuning": ("instruction", "preference", "rlhf", "supervised fine-tuning"),
    "few-shot-learning": ("few-shot", "in-context", "continual", "meta-learning", "transfer learn"),
    "agents": ("agent", "tool use", "tool-"),
    "retrieval": ("retriev", "rerank", "search", "recommend"),
    "code": ("code", "program", "software"),
    "multilingual": ("multilingual", "translation", "cross-lingual", "low-resource"),
    "vision-language": ("vision-language", "multimodal", "vlm", "mllm", "visual question"),
    "image-video-generation": ("image generation", "video generation", "diffusion", "text-to-"),
    "computer-vision": ("segmentation", "detection", "depth", "3d", "gaussian", "point cloud"),
    "speech-audio": ("speech", "audio", "music", "voice"),
    "robotics": ("robot", "vision-language-action", "manipulation", "embodied", "driving"),
    "efficiency": ("quantization", "pruning", "distillation", "cache", "speculative", "low-rank"),
    "benchmarks": ("benchmark", "leaderboard", "evaluation"),
    "safety-interpretability": ("safety", "jailbreak", "adversarial", "interpretab", "privacy"),
    "science-medicine": ("medical", "clinical", "protein", "molecul", "biolog", "physics"),
}
# The arXiv categories that mean the same as a topic, where there are any.
_CATEGORIES: Mapping[str, frozenset[str]] = {
    "code": frozenset({"cs.SE", "cs.PL"}),
    "computer-vision": frozenset({"cs.CV"}),
    "language-models": frozenset({"cs.CL"}),
    "retrieval": frozenset({"cs.IR"}),
    "robotics": frozenset({"cs.RO"}),
    "speech-audio": frozenset({"cs.SD", "eess.AS"}),
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well the matcher agrees with keywords or categories on one topic.

    `matched` and `expected` count papers; `precision` and `recall` are shares from 0 to 1.
    """

    topic: str
    by: str
    matched: int
    expected: int
    precision: float
    recall: float


class Command(BaseCommand):
    help = (
        "Match papers to the starter topics, with the same code as the site, and compare the "
        "result with the papers' own keywords and arXiv categories. Only the later half of the "
        "days counts: the matcher was tuned on the earlier half. Files are JSON Lines, plain or "
        "gzip."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--papers", nargs="+", required=True, metavar="FILE", type=Path)
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [row for path in options["papers"] for row in rows_of(path)]
        days = sorted({str(row.get("list_date")) for row in rows})
        later = [row for row in rows if str(row.get("list_date")) >= days[len(days) // 2]]
        if not all(row.get("title") for row in later):
            raise CommandError("A paper has no title.")
        agreements = agreements_on(later)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in agreements], indent=1))
            return
        table = Table("topic", "by", "matched", "expected", "precision", "recall")
        for one in agreements:
            counts = (f"{one.matched:,}", f"{one.expected:,}")
            table.add_row(one.topic, one.by, *counts, f"{one.precision:.2f}", f"{one.recall:.2f}")
        self.stdout.write(as_text(table))


def agreements_on(rows: Sequence[Mapping[str, Any]]) -> list[Agreement]:
    """Compare each starter topic with keywords and categories, over the papers that have them.

    Returns one agreement per topic and yardstick, without topics that no paper should match.
    """
    topics = starter_topics()
    fits = topic_fits([text_of(row) for row in rows], topics) > 0
    keywords = ["|".join(row.get("keywords") or ()).lower() for row in rows]
    categories = [frozenset(row.get("categories") or ()) for row in rows]
    found = []
    for column, topic in enumerate(topics):
        slug, matched = str(topic.key), fits[:, column]
        marked = [any(mark in words for mark in _MARKS[slug]) for words in keywords]
        found.append(_agreement(topic.name, "keywords", matched, marked, keywords))
        if slug in _CATEGORIES:
            filed = [not _CATEGORIES[slug].isdisjoint(names) for names in categories]
            found.append(_agreement(topic.name, "categories", matched, filed, categories))
    return [one for one in found if one.expected]


def _agreement(
    topic: str,
    by: str,
    matched: NDArray[np.bool_],
    expected: Sequence[bool],
    said: Sequence[object],
) -> Agreement:
    """Compare `matched` with `expected`. Papers that are empty in `said` do not count."""
    tells = np.array([bool(words) for words in said])
    ours, theirs = matched[tells], np.array(expected)[tells]
    both = int((ours & theirs).sum())
    return Agreement(
        topic=topic,
        by=by,
        matched=int(ours.sum()),
        expected=int(theirs.sum()),
        precision=both / max(int(ours.sum()), 1),
        recall=both / max(int(theirs.sum()), 1),
    )
