"""A file on disk, imported as an operator does."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from subscribers.importing import reading, run
from subscribers.importing.entries import Defaults
from subscribers.models import Subscriber

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
BASIS = "Double opt-in on the old site, list of 1 November 2026"


@dataclass
class Done:
    """What an import said: the judgement counts, and (what, why) of each row in the report."""

    outcome: run.Outcome
    report: str

    @property
    def rows(self) -> dict[int, tuple[str, str]]:
        lines = csv.DictReader(io.StringIO(self.report))
        return {int(line["row"]): (line["what"], line["why"]) for line in lines}

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.outcome.counts)


Importing = Callable[..., Done]


@pytest.fixture
def importing(db: None, tmp_path: Path) -> Importing:
    def imported(content: str | bytes, **said: Any) -> Done:
        path = tmp_path / "readers.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        said.setdefault("basis", BASIS)
        defaults = said.pop("defaults", Defaults(zone="Europe/Lisbon"))
        report = io.StringIO()
        wanted = run.Wanted(source=reading.at(path), defaults=defaults, **said)
        outcome = run.run(wanted, NOON, lambda text: None, partial(run.write_report, report))
        return Done(outcome, report.getvalue())

    return imported


def states() -> dict[str, str]:
    return dict(Subscriber.objects.values_list("email", "state"))
