"""Where the demo tells what happens: a calm line for each act."""

import io
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text


class Stage:
    """On a terminal with colours and a sign of life, elsewhere as plain lines."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # not every terminal knows a tick
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    @contextmanager
    def act(self, title: str) -> Iterator[list[str]]:
        """Tell of an act when it is over. What came of it may be appended to what is yielded."""
        began = time.monotonic()
        said: list[str] = []
        with self._console.status(Text(f"{title} …")):
            yield said
        line = Text.assemble(("✓ ", "green"), ": ".join([title, *said]))
        line.append(f" ({time.monotonic() - began:.1f} s)", style="dim")
        self._console.print(line)

    def tell(self, line: str = "", style: str = "") -> None:
        self._console.print(Text(line, style=style))

    def table(self, lines: Iterable[tuple[str, str]]) -> None:
        """Names and values below each other."""
        grid = Table.grid(padding=(0, 2))
        for name, value in lines:
            grid.add_row(Text(name, style="bold"), Text(value, no_wrap=True))
        self._console.print(grid)

    def seconds(self) -> float:
        """How long the demo has been running."""
        return time.monotonic() - self._began
