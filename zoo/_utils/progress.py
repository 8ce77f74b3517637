"""How the store tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Note = Callable[[str], None]
"""Takes one sentence a person should read while waiting."""


class Progress(Protocol):
    """One bar. A download that has to begin anew calls ``start`` again."""

    def start(self, total: int | None, label: str) -> None:
        """Begins at zero.

        Args:
            total: Bytes to come; None when the server does not say.
            label: What is being fetched.
        """

    def advance(self, amount: int) -> None:
        """Adds bytes to what is done."""

    def done(self) -> None:
        """Ends the bar, whatever became of the work."""


class NoProgress:
    """Shows nothing."""

    def start(self, total: int | None, label: str) -> None:
        """Does nothing."""

    def advance(self, amount: int) -> None:
        """Does nothing."""

    def done(self) -> None:
        """Does nothing."""


def discard_note(_: str) -> None:
    """A note nobody reads."""
