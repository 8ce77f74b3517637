"""A bar that counts images on a terminal; no output if stderr is not a terminal."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from zoo.cli._output import Output

if TYPE_CHECKING:
    from rich import progress as rich_progress


class Counter:
    """Count finished images.

    Args:
        output: Decides whether bars are shown.
        before: Called once before the first count, to remove other bars from the terminal.
    """

    def __init__(self, output: Output, *, before: Callable[[], None] = lambda: None) -> None:
        self._enabled = output.interactive
        self._before = before
        self._rich: rich_progress.Progress | None = None
        self._task: rich_progress.TaskID | None = None

    def __call__(self, done: int, total: int | None = None) -> None:
        """Add finished images.

        Args:
            done: Images finished since the last call.
            total: Number of images; None if it is unknown.
        """
        if not self._enabled:
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
        # Imported here: rich takes as long to import as the rest of a command that reads the cache only.
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
