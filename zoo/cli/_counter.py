"""A bar that counts images, on a terminal, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from zoo.cli._output import Output

if TYPE_CHECKING:
    from rich import progress as rich_progress


class Counter:
    """Counts what is done.

    Args:
        output: Says whether bars are welcome.
        before: Called once, before the first count: what else is on the terminal has to go.
    """

    def __init__(self, output: Output, *, before: Callable[[], None] = lambda: None) -> None:
        self._lively = output.lively
        self._before = before
        self._rich: rich_progress.Progress | None = None
        self._task: rich_progress.TaskID | None = None

    def __call__(self, done: int, total: int | None = None) -> None:
        """Adds to what is done.

        Args:
            done: Images finished since the last call.
            total: Images in all; None when nobody knows.
        """
        if not self._lively:
            return
        if self._rich is None or self._task is None:
            self._before()
            self._start(total)
        if self._rich is not None and self._task is not None:
            self._rich.advance(self._task, done)

    def __enter__(self) -> Counter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._rich.stop()

    def _start(self, total: int | None) -> None:
        # Imported here: rich takes as long to import as everything else a warm command does.
        from rich import console, progress

        self._rich = progress.Progress(
            progress.TextColumn("images"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(),
            console=console.Console(stderr=True),
            transient=True,
        )
        self._task = self._rich.add_task("images", total=total)
        self._rich.start()
