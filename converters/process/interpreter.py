"""A Python that is known to run, and what is installed in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Interpreter:
    """A Python that worker scripts can be started with.

    Attributes:
        path: Its executable.
        version: Full version, for example ``3.10.13``.
        origin: ``current`` when it is the one running now, ``managed`` when it belongs to a toolchain of
            ours. A managed one is started isolated from the user's ``PYTHONPATH`` and user site; the
            current one sees both, since that may be where its packages are.
        packages: Distribution to version, of the tool it was chosen for.
    """

    path: Path
    version: str
    origin: Literal["current", "managed"]
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def flags(self) -> tuple[str, ...]:
        """Options its command line starts with."""
        return ("-I",) if self.origin == "managed" else ()
