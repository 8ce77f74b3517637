"""Progress bars on a terminal; no output if stderr is not a terminal."""

from __future__ import annotations

from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from registry.printable import printable
from zoo._utils.progress import NoProgress, Progress

if TYPE_CHECKING:
    from rich import progress as rich_progress


class Display:
    """One area of the terminal for all bars of a command.

    Args:
        stream: Terminal; None shows nothing.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._rich: rich_progress.Progress | None = None
        self._starting = Lock()

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._rich.stop()
            self._rich = None

    def bar(self) -> Progress:
        """Create a bar, which appears when it starts."""
        return NoProgress() if self._stream is None else _Bar(self)

    def print_above(self, text: str) -> bool:
        """Write a line above the bars: written anywhere else, it would break them.

        Args:
            text: The line.

        Returns:
            Whether the line was written; False if there are no bars and the caller can write to the stream.
        """
        if self._rich is None:
            return False
        self._rich.console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)
        return True

    def start(self) -> rich_progress.Progress:
        """Start the display with the first bar, so that a command answered from the cache shows none."""
        with self._starting:  # several downloads start at once, and any may be the first
            if self._rich is None:
                self._rich = self._create()
                self._rich.start()
            return self._rich

    def _create(self) -> rich_progress.Progress:
        # Imported here: rich takes as long to import as the rest of a command that reads the cache only.
        from rich import console, progress

        return progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            console=console.Console(file=self._stream),
            transient=True,
        )


class _Bar:
    def __init__(self, display: Display) -> None:
        self._display = display
        self._task: rich_progress.TaskID | None = None

    def start(self, total: int | None, label: str) -> None:
        label = printable(label)
        if self._task is None:
            self._task = self._display.start().add_task(label, total=total)
        else:
            self._display.start().reset(self._task, total=total, description=label)

    def advance(self, amount: int) -> None:
        if self._task is not None:
            self._display.start().advance(self._task, amount)

    def done(self) -> None:
        if self._task is not None:
            self._display.start().remove_task(self._task)
            self._task = None
