"""What the terminal shows while the service starts: a line a step, and bars for those that take long."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

Advance = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0: nobody knows)."""


class Terminal:
    """The terminal that started the service; or a pipe or file, which gets the lines without the bars."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A terminal of another encoding shows ? for a bar rather than ending the start.
            sys.stdout.reconfigure(errors="replace", line_buffering=True)
        # A pipe or file has no width of its own; cutting addresses there would spoil them.
        self._console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 200)

    def say(self, text: str) -> None:
        """One line or page of text, as it is."""
        self._console.print(text, markup=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Advance]:
        """Show a step with its time, and a bar while it tells how far it is; a cross when it fails."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        progress = Progress(
            *columns,
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        task = progress.add_task(title, total=None)

        def advance(what: str, done: int, total: int) -> None:
            progress.update(task, description=f"{title}: {what}", completed=done, total=total or None)

        sign = "[red]✗[/red]"
        try:
            with progress:
                yield advance
            sign = "[green]✓[/green]"
        finally:
            elapsed = progress.tasks[0].elapsed or 0.0
            self._console.print(f"  {sign} {escape(title)} [dim]({elapsed:.1f} s)[/dim]")
