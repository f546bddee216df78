"""The site's search on real papers: are names with dots, signs and digits found, and how fast?

The yardstick reads the plain text of each paper: it takes a name and what may stand between its
parts, and no letter or digit before or after. Without the data (see ``relevance``) only what
searching takes is measured, on made-up papers.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, islice
from statistics import median, quantiles
from typing import Any

import psutil
from django.utils import timezone
from rich.table import Table

from digest.management.commands.evaluate_ranking import rows_of
from digest.models import Edition, EditionPaper, Paper
from digest.site import searching
from digest.sources.text import ABSTRACT_LENGTH, TITLE_LENGTH, presentable
from subscribers.database import execute, fetch
from tests.benchmarks.relevance import SHARED, TASKS
from tests.factories import abstract_of

PAPERS = [name for names, others, _readers in TASKS.values() for name in (*names, *others)]
IN_AN_EDITION = 100
# How often each search is measured.
TIMES = 20
# Each name as a reader types it, and as papers write it: parts, between which may be a hyphen, a
# space or nothing. A greater or smaller version is another name, "Llama 3.1" is one of "Llama 3".
GAP = r"[-‑ _]?"
NAMES: Mapping[str, str] = {
    **{"Qwen2.5": f"Qwen{GAP}2\\.5", "Llama 3": f"Llama{GAP}3", "GPT 4": f"GPT{GAP}4"},
    **{"GPT-4o": f"GPT{GAP}4o", "Phi-3.5": f"Phi{GAP}3\\.5", "DeepSeek-R1": f"DeepSeek{GAP}R1"},
    **{"LoRA+": r"LoRA\+", "C++": r"C\+\+", "CO2": "CO_?2", "3D-GS": f"3D{GAP}GS"},
    **{"Mixtral-8x7B": f"Mixtral{GAP}8x7B", "o1": "o1", "π0": "(?:π|pi)_?0", "A*": r"A\^?\*"},
    **{"DeepSeek-V3": f"DeepSeek{GAP}V3", "Llama-3.1": f"Llama{GAP}3\\.1", "H2O": "H_?2O"},
    **{"Qwen2.5-VL": f"Qwen{GAP}2\\.5{GAP}VL", "Gemini 2.5": f"Gemini{GAP}2\\.5", "C#": "C#"},
    **{"β-VAE": f"(?:β|beta){GAP}VAE", "GPT-3.5": f"GPT{GAP}3\\.5", "Qwen3": f"Qwen{GAP}3"},
    **{"node.js": r"node\.?js", "L1": "[Lℓ]_?1", "SD3": f"SD{GAP}3", "pass@1": "pass@1"},
    **{"YOLOv8": f"YOLO{GAP}v8", "T5": f"T{GAP}5", "ImageNet-1K": f"ImageNet{GAP}1K"},
    **{"SWE-bench": f"SWE{GAP}bench", "I-JEPA": f"I{GAP}JEPA", "CLIP-2": f"CLIP{GAP}2"},
    **{"2-bit": f"2{GAP}bit", "VLA-0": f"VLA{GAP}0", "GLM-4.5": f"GLM{GAP}4\\.5", "中国": "中国"},
}
ORDINARY = ("diffusion transformers", "robot hand", "protein folding", "chain of thought")
STRANGE: Mapping[str, str] = {
    "misspelt": "retreival augmentted",
    "?": "?",
    "%%%": "%%%",
    "中国": "中国",
    "200 characters of one word": "a" * 200,
    "200 characters of words": " ".join(["the model of language"] * 9)[:200],
    "one very common word": "model",
    "a phrase of common words": '"of the model"',
    "hyphens": "-".join("abcdefghijklmnopqrstuvwxyz" * 4),
    "operators": "a OR b -c OR " * 15,
    "state-of-the-art": "state-of-the-art",
}


def run() -> Table:
    texts = _fill()
    columns = ("said", "recall", "precision", "ms of CPU", "ms, p50", "ms, p95", "× ordinary")
    table = Table(f"search, {len(texts)} papers", *columns)
    recalls, all_spent = [], Spent()
    for name, pattern in NAMES.items():
        said = {pk for pk, text in texts.items() if _said(pattern).search(text)}
        if not said:
            continue
        found, spent = _found(name), _spend(name)
        recalls.append(len(said & found) / min(len(said), searching.MOST_RANKED))
        precision = len(said & found) / max(len(found), 1)
        row = (f"{len(said)}", f"{recalls[-1]:.3f}", f"{precision:.2f}")
        table.add_row(name, *row, *spent.figures())
        all_spent += spent
    mean = f"{sum(recalls) / len(recalls):.3f}" if recalls else ""
    table.add_row(f"all {len(recalls)} names", "", mean, "", *all_spent.figures())
    ordinary = sum((_spend(text) for text in ORDINARY), Spent())
    table.add_row("ordinary words", "", "", "", *ordinary.figures())
    for name, text in STRANGE.items():
        spent = _spend(text)
        ratio = f"{spent.mean / ordinary.mean:.2f}"
        table.add_row(name, "", "", "", *spent.figures(), ratio)
    return table


@dataclass(frozen=True, slots=True)
class Spent:
    """What searches took, in milliseconds: each on the clock, and all together of CPU, ours and the
    database's, which does not depend on what else the machine does."""

    times: tuple[float, ...] = ()
    cpu: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.times + other.times, self.cpu + other.cpu)

    @property
    def mean(self) -> float:
        """The CPU of one search."""
        return self.cpu / max(len(self.times), 1)

    def figures(self) -> tuple[str, str, str]:
        if not self.times:
            return "", "", ""
        p95 = quantiles(self.times, n=20, method="inclusive")[-1]
        return f"{self.mean:.1f}", f"{median(self.times):.1f}", f"{p95:.1f}"


def _said(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE)


def _found(name: str) -> set[int]:
    public = EditionPaper.objects.public()
    result = searching.search(public, name, start=0, number=10_000)
    return {candidate.paper_id for candidate in result.papers}


def _spend(text: str) -> Spent:
    """Return what the first page of a search takes."""
    times, before = [], _cpu()
    for _ in range(TIMES):
        start = time.perf_counter()
        searching.search(EditionPaper.objects.public(), searching.cleaned(text), start=0, number=20)
        times.append((time.perf_counter() - start) * 1000)
    return Spent(tuple(times), _cpu() - before)


def _cpu() -> float:
    """Return the milliseconds of CPU that this process and its database session have taken."""
    ((backend,),) = fetch("SELECT pg_backend_pid()")
    theirs = psutil.Process(backend).cpu_times()
    return (time.process_time() + theirs.user + theirs.system) * 1000


def _fill() -> dict[int, str]:
    """Store the papers, in closed editions. Return what a reader sees of each, by its id."""
    texts: dict[int, str] = {}
    today = timezone.now()
    papers = _papers()
    for back in count():
        batch = Paper.objects.bulk_create(islice(papers, IN_AN_EDITION))
        if not batch:
            break
        at = today - timedelta(days=back)
        edition = Edition.objects.create(date=at.date(), closed_at=at)
        EditionPaper.objects.bulk_create(EditionPaper(edition=edition, paper=one) for one in batch)
        texts |= {paper.pk: f"{paper.title}\n{paper.abstract}" for paper in batch}
    execute("VACUUM ANALYZE")  # as PostgreSQL itself does after a while
    return texts


def _papers() -> Iterator[Paper]:
    number = 0
    for number, (key, row) in enumerate(_rows().items(), 1):
        yield Paper(
            key=key,
            title=presentable(row["title"], TITLE_LENGTH),
            title_key=str(number),
            abstract=presentable(row["abstract"], ABSTRACT_LENGTH),
            authors=[name for name in row.get("authors") or () if isinstance(name, str)][:100],
            url="https://arxiv.org/",
            first_source="arxiv",
        )


def _rows() -> dict[str, dict[str, Any]]:
    """Return the papers of the collection by key, or made-up ones if it is not there."""
    rows = {
        f"arxiv:{row['id']}": row
        for name in PAPERS
        for row in (rows_of(SHARED / name) if SHARED.is_dir() else ())
    }
    made_up = (
        {"title": f"Paper {n}", "abstract": abstract_of(n, sentences=8)} for n in range(9999)
    )
    return rows or {f"arxiv:{number}": row for number, row in enumerate(made_up)}
