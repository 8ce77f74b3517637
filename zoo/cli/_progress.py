"""Progress bars on a terminal, and nothing elsewhere."""

from __future__ import annotations

from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

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
        self._beginning = Lock()

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._rich.stop()
            self._rich = None

    def bar(self) -> Progress:
        """A new bar; it appears when it starts."""
        return NoProgress() if self._stream is None else _Bar(self)

    def above(self, text: str) -> bool:
        """Writes a line above the bars, which would be torn by a line in their midst.

        Args:
            text: The line.

        Returns:
            Whether it was written; False when there are no bars and the stream is free.
        """
        if self._rich is None:
            return False
        self._rich.console.print(text, markup=False, highlight=False, soft_wrap=True)
        return True

    def rich(self) -> rich_progress.Progress:
        """The display, started when the first bar needs it: a command answered from the store shows none."""
        with self._beginning:  # several downloads begin at once, and each may be the first
            return self._started()

    def _started(self) -> rich_progress.Progress:
        if self._rich is None:
            # Imported here: rich takes as long to import as everything else a warm command does.
            from rich import console, progress

            bars = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.DownloadColumn(),
                progress.TransferSpeedColumn(),
                progress.TimeRemainingColumn(),
                console=console.Console(file=self._stream),
                transient=True,
            )
            bars.start()
            self._rich = bars
        return self._rich


class _Bar:
    def __init__(self, display: Display) -> None:
        self._display = display
        self._task: rich_progress.TaskID | None = None

    def start(self, total: int | None, label: str) -> None:
        if self._task is None:
            self._task = self._display.rich().add_task(label, total=total)
        else:
            self._display.rich().reset(self._task, total=total, description=label)

    def advance(self, amount: int) -> None:
        if self._task is not None:
            self._display.rich().advance(self._task, amount)

    def done(self) -> None:
        if self._task is not None:
            self._display.rich().remove_task(self._task)
            self._task = None
