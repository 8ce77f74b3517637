"""Interfaces through which long operations report progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Note = Callable[[str], None]
"""Called with one sentence for the user."""


class Progress(Protocol):
    """A progress bar. A download that starts over calls ``start`` again."""

    def start(self, total: int | None, label: str) -> None:
        """Start at zero.

        Args:
            total: Bytes in all; None when the server does not state it.
            label: Name of the file.
        """

    def advance(self, amount: int) -> None:
        """Add bytes to the progress."""

    def done(self) -> None:
        """End the bar, after success or failure."""


class NoProgress:
    """A progress bar that shows nothing."""

    def start(self, total: int | None, label: str) -> None:
        """Do nothing."""

    def advance(self, amount: int) -> None:
        """Do nothing."""

    def done(self) -> None:
        """Do nothing."""


def discard_note(_: str) -> None:
    """A note callback that does nothing."""
