"""The only module that writes to the terminal: data on stdout, notes and progress on stderr.

All text passes through :func:`registry.printable.printable`, so that no name from a file, a catalog or a
server controls the terminal. JSON documents are exact: JSON escapes control characters itself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from registry.errors import ZooError
from registry.printable import UNSAFE, printable
from registry.tables import align_columns

if TYPE_CHECKING:
    from zoo.cli._progress import Display

_JSON_ESCAPES = {code: json.dumps(chr(code))[1:-1] for code in UNSAFE if code >= 0x80} | {0x7F: "\\u007f"}
"""Characters that JSON allows unescaped, but a terminal may obey."""


class Output:
    """The destination of results, notes and errors.

    Args:
        as_json: Whether results are one JSON document instead of text.
        quiet: Whether notes are left out.
        stdout: Stream for data.
        stderr: Stream for everything else.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        quiet: bool = False,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.as_json = as_json
        self._quiet = quiet
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self._display: Display | None = None

    @property
    def interactive(self) -> bool:
        """Whether stderr may show bars and color."""
        return self._stderr.isatty() and "NO_COLOR" not in os.environ and not self._quiet

    def text(self, text: str) -> None:
        """Write text of one or several lines to stdout."""
        text = printable(text, multiline=True)
        self._stdout.write(text if text.endswith("\n") else text + "\n")

    def document(self, value: Any) -> None:
        """Write one JSON document to stdout.

        Args:
            value: Models, and containers of models and plain values.
        """
        plain = _plain(value)
        text = json.dumps(plain, indent=2, ensure_ascii=False).translate(_JSON_ESCAPES)
        try:
            text.encode(getattr(self._stdout, "encoding", None) or "utf-8")
        except UnicodeEncodeError:  # a path with undecodable bytes, or a stream with a smaller character set
            text = json.dumps(plain, indent=2)
        self._stdout.write(text + "\n")

    def lines(self, lines: Iterable[object]) -> None:
        """Write one line of stdout for each item, even if its text contains line feeds."""
        for line in lines:
            self._stdout.write(f"{printable(str(line))}\n")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write aligned columns to stdout."""
        self.text(align_columns(head, [[printable(cell) for cell in row] for row in rows]))

    def comma_separated(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write CSV with a head row to stdout (RFC 4180, but with plain line feeds)."""
        import csv

        writer = csv.writer(self._stdout, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([printable(cell, multiline=True) for cell in row] for row in rows)

    def note(self, text: str) -> None:
        """Write a note to stderr, unless notes are off."""
        text = printable(text, multiline=True)
        if self._quiet or (self._display and self._display.print_above(text)):
            return
        self._stderr.write(text + "\n")
        self._stderr.flush()

    def error(self, error: ZooError) -> None:
        """Write an error: as text on stderr, and with ``--json`` also as the document on stdout."""
        head = f"error[{error.code}]: "
        # stderr first: stdout may be the stream that is full.
        self._stderr.write(f"{_red(head) if self.interactive else head}{_error_text(error)}\n")
        if self.as_json:
            self.document({"error": {"exit_code": error.exit_code, **error.as_dict()}})

    def display(self) -> Display:
        """Return the display of progress bars, which shows nothing when stderr is not a terminal."""
        from zoo.cli._progress import Display

        self._display = Display(self._stderr if self.interactive else None)
        return self._display


def _error_text(error: ZooError) -> str:
    """The message and its details; lines after the first are indented, so that none poses as a detail."""
    parts = [error.message, *(f"  {label}: {text}" for label, text in error.details())]
    return "\n".join(printable(part, multiline=True).replace("\n", "\n      ") for part in parts)


def _red(text: str) -> str:
    return f"\x1b[31m{text}\x1b[0m"


def _plain(value: Any) -> Any:
    if (pydantic := sys.modules.get("pydantic")) and isinstance(value, pydantic.BaseModel):
        # Looked up, not imported: if nothing has loaded pydantic, the value is not one of its models.
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
