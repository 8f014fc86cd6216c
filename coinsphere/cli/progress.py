"""Shows progress on a terminal or in a log: one line for each stage and step, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    # Every command that shows progress would load the clients of all servers for a name.
    from coinsphere.local import dagster

_SLOW_SECONDS = 1.0
"""Steps that take less are not worth a line."""


class ConsoleProgress:
    """Prints stages; on a terminal the present one has a spinner."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, title: str) -> Iterator["ConsoleStage"]:
        """Show a stage while it lasts, then its time."""
        began = time.monotonic()
        if not self._console.is_terminal:
            self._console.print(f"  … {title}")
            self._console.file.flush()
        spinner = self._console.status(title) if self._console.is_terminal else nullcontext()
        try:
            with spinner:
                yield ConsoleStage(self._console)
        except BaseException:
            self._console.print(f"  [red]✗[/red] {title}", highlight=False)
            raise
        took = time.monotonic() - began
        self._console.print(
            f"  [green]✓[/green] {title} [dim]({took:.1f} s)[/dim]", highlight=False
        )


def count(what: str, done: int, total: int) -> None:
    """Show how far a loop is, on standard error, so that output stays clean for programs."""
    print(f"  … {what} {done} of {total}", file=sys.stderr, flush=True)


def stage(title: str) -> AbstractContextManager["ConsoleStage"]:
    """Show a stage on standard error while it lasts."""
    return ConsoleProgress(Console(stderr=True, soft_wrap=True)).stage(title)


class ConsoleStage:
    """A stage that is under way."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, step: "dagster.Step") -> None:
        """Print a step of a run that is done."""
        if step.succeeded and step.seconds < _SLOW_SECONDS:
            return
        sign = "[green]✓[/green]" if step.succeeded else "[red]✗[/red]"
        name = step.name.replace("__", " / ")
        self._console.print(
            f"      {sign} {name} [dim]({step.seconds:.1f} s)[/dim]", highlight=False
        )
