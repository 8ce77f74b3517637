"""A working Python interpreter and the packages in it."""

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
        origin: ``current`` for the running interpreter, ``managed`` for the interpreter of a toolchain built
            by zoo. A managed one is started isolated from ``PYTHONPATH`` and the user site; the current one
            sees both, because its packages may be there.
        packages: Distribution to version, for the packages of the tool it was chosen for.
    """

    path: Path
    version: str
    origin: Literal["current", "managed"]
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def flags(self) -> tuple[str, ...]:
        """First options of its command line."""
        return ("-I",) if self.origin == "managed" else ()
