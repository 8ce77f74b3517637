"""A working Python interpreter and the packages in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_ISOLATED = Path(__file__).with_name("isolated.py")


@dataclass(frozen=True)
class Interpreter:
    """A Python that worker scripts can be started with.

    Attributes:
        path: Its executable.
        version: Full version, for example ``3.10.13``.
        origin: ``current`` for the running interpreter, ``managed`` for the interpreter of a toolchain built
            by zoo. A managed one is started isolated from ``PYTHONPATH``, the user site and ``.pth`` files;
            the current one sees all of them, because its packages may be there.
        packages: Distribution to version, for the packages of the tool it was chosen for.
    """

    path: Path
    version: str
    origin: Literal["current", "managed"]
    packages: Mapping[str, str] = field(default_factory=dict)

    def command(self, script: str | Path, *arguments: str | Path) -> list[str]:
        """Return the command line that runs a script.

        Args:
            script: The script.
            arguments: Arguments of the script.
        """
        launcher = ("-I", "-S", "-B", str(_ISOLATED)) if self.origin == "managed" else ()
        return [str(self.path), *launcher, str(script), *map(str, arguments)]
