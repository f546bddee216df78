"""What the demo prints: one line for each step, and the summary."""

import io
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text


class DemoConsole:
    """Prints with colours and a spinner on a terminal, and plain lines elsewhere."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # not every terminal can show a check mark
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Print the title and the duration when the step is over.

        Strings appended to the yielded list are printed after the title.
        """
        began = time.monotonic()
        details: list[str] = []
        with self._console.status(Text(f"{title} …")):
            yield details
        line = Text.assemble(("✓ ", "green"), ": ".join([title, *details]))
        line.append(f" ({time.monotonic() - began:.1f} s)", style="dim")
        self._console.print(line)

    def print(self, line: str = "", style: str = "") -> None:
        self._console.print(Text(line, style=style))

    def table(self, lines: Iterable[tuple[str, str]]) -> None:
        """Print names and values in two columns."""
        grid = Table.grid(padding=(0, 2))
        for name, value in lines:
            grid.add_row(Text(name, style="bold"), Text(value, no_wrap=True))
        self._console.print(grid)

    def seconds(self) -> float:
        """The time since the demo began, in seconds."""
        return time.monotonic() - self._began
