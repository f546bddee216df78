"""Which papers belong to a starter topic, told by what the matching does not see.

The yardstick is a paper's keywords. On the Daily Papers a machine wrote them, and they name methods
more often than subjects, so it is a rough one. It is made like this:

* Each topic has marks, written down from what its name and description promise. A paper belongs to
  the topic if one of its keywords holds a mark.
* A mark stands for whole words, with or without a plural: "code" is in "code agents", not in
  "encoder", and "deep search" is not in "research". With a star, further letters may follow the
  last word: "retriev*" is in "retriever".
* A mark has to mean the topic. "Language model", "search", "detection" and "text-to" alone do not:
  nearly every paper speaks of language models, trees are searched, attacks are detected, and text
  becomes speech.

Only papers with keywords count. What belongs to the topic for the rest (`REST`) are papers that
belong to no other. The days that have keywords are halved: weights are learnt on the earlier half
(``fit_topics``) and measured on the later one (``evaluate_topics``). A second yardstick, for some
topics, is the category that arXiv files a paper under.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, Any]

# The topic of papers that fit no other.
REST = "other"

_MARKS: Mapping[str, str] = {
    "language-models": (
        "pretrain*, pre-train*, language modeling, masked language, next-token prediction, "
        "diffusion language model, tokeniz*, scaling law, long-context, long context, "
        "context window, positional encoding, positional embedding, linear attention, "
        "sparse attention, state space model, transformer architecture, mixture-of-experts, "
        "mixture of experts"
    ),
    "reasoning": "reasoning, chain-of-thought, math*, theorem prov*, test-time scaling",
    "reinforcement-learning": (
        "reinforcement learning, policy optimization, policy gradient, reward*, grpo, ppo, rlvr"
    ),
    "instruction-tuning": (
        "instruction*, preference*, rlhf, supervised fine-tuning, sft, dpo, post-training"
    ),
    "few-shot-learning": (
        "few-shot, in-context learning, continual learning, lifelong learning, "
        "catastrophic forgetting, meta-learning, transfer learning, multi-task learning, "
        "model merging, domain adaptation"
    ),
    "agents": "agent*, multi-agent, tool use, tool-*, tool call*, computer use, function calling",
    "deep-research": (
        "deep research*, deepresearch*, deep search*, deepsearch*, search agent*, research agent*, "
        "agentic search, agentic retrieval, agentic rag, web search, browsecomp*, "
        "information seeking, information-seeking, search-r1"
    ),
    "retrieval": (
        "retriev*, rerank*, re-rank*, rag, search engine, semantic search, web search, "
        "text embedding, embedding model, recommend*"
    ),
    "code": (
        "code, coding, coder, program*, software, swe-bench*, debugging, unit test, "
        "livecodebench, humaneval, sql, text-to-sql"
    ),
    "multilingual": (
        "multilingual*, machine translation, translation quality, cross-lingual, "
        "low-resource language, bilingual, dialect*"
    ),
    "vision-language": (
        "vision-language, vision language, multimodal*, multi-modal*, vlm, mllm, lvlm, "
        "visual question, visual grounding, video understanding, captioning, ocr, "
        "document understanding"
    ),
    "image-video-generation": (
        "image generation, video generation, visual generation, image editing, video editing, "
        "image synthesis, video synthesis, diffusion*, text-to-image, text-to-video, "
        "image-to-video, flow matching"
    ),
    "computer-vision": (
        "segmentation, object detection, depth, 3d*, 4d*, gaussian splat*, point cloud, "
        "pose estimation, optical flow, object tracking, radiance field, nerf, view synthesis"
    ),
    "speech-audio": "speech*, audio*, audio-visual, music*, voice*, asr, tts, spoken",
    "robotics": (
        "robot*, vision-language-action, vla, manipulation, embodied, embodiment, "
        "autonomous driving, locomotion, imitation learning"
    ),
    "efficiency": (
        "quantiz*, quantization*, pruning, distillation, cache, kv-cache, speculative decoding, "
        "low-rank, lora, parameter-efficient, throughput, latency, model compression"
    ),
    "benchmarks": "benchmark*, leaderboard, evaluation, llm-as-a-judge",
    "safety-interpretability": (
        "safety, jailbreak*, adversarial attack, adversarial prompt, adversarial robustness, "
        "red teaming, red-teaming, interpretab*, privacy, privacy-preserving, backdoor, "
        "unlearning, sparse autoencoder, fairness, watermark*, deepfake"
    ),
    "science-medicine": (
        "medic*, biomedic*, clinical*, protein*, molec*, biolog*, physics, chemi*, drug, "
        "materials science, scientific discovery, healthcare, patholog*, radiolog*, genom*, climate"
    ),
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


def _pattern(marks: str) -> re.Pattern[str]:
    words = (mark.strip() for mark in marks.split(","))
    ended = (
        re.escape(mark[:-1]) + r"\w*" if mark.endswith("*") else rf"{re.escape(mark)}(?:e?s)?"
        for mark in words
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(ended)})(?!\w)")


_PATTERNS = {slug: _pattern(marks) for slug, marks in _MARKS.items()}


def has_keywords(row: Row) -> bool:
    return bool(row.get("keywords"))


def by_keywords(row: Row) -> set[str]:
    """Return the slugs of the topics that the paper belongs to, by its keywords."""
    keywords = " | ".join(row.get("keywords") or ()).lower()
    return {slug for slug, pattern in _PATTERNS.items() if pattern.search(keywords)} or {REST}


def by_categories(row: Row) -> set[str]:
    """Return the slugs of those topics with a category of their own that the paper is filed under.

    `FILED` are all such topics.
    """
    filed = frozenset(row.get("categories") or ())
    return {slug for slug, names in _CATEGORIES.items() if not names.isdisjoint(filed)}


FILED = frozenset(_CATEGORIES)


def table(told: Iterable[set[str]], slugs: Sequence[str]) -> NDArray[np.bool_]:
    """Return bool (papers, slugs): which papers belong to which topics."""
    return np.array([[slug in belongs for slug in slugs] for belongs in told], dtype=bool)


def earlier_half(rows: Sequence[Row]) -> list[Row]:
    """Return the papers with keywords of the days before the later half."""
    later = middle(rows)
    return [row for row in rows if has_keywords(row) and str(row["list_date"]) < later]


def later_half(rows: Sequence[Row]) -> list[Row]:
    """Return the papers of the later half of the days, with and without keywords."""
    later = middle(rows)
    return [row for row in rows if str(row.get("list_date")) >= later]


def middle(rows: Iterable[Row]) -> str:
    """Return the first day of the later half of the days that have papers with keywords.

    Returns "" if there is no such day: then all days are later ones.
    """
    days = sorted({str(row.get("list_date") or "") for row in rows if has_keywords(row)})
    return days[len(days) // 2] if days else ""
