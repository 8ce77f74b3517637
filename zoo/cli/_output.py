"""The one place that writes to the terminal: data on stdout, notes and progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from registry.errors import ZooError
from registry.tables import aligned

if TYPE_CHECKING:
    from zoo.cli._progress import Display


class Output:
    """Where results, notes and errors go.

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
    def lively(self) -> bool:
        """Whether bars and color are welcome on stderr."""
        return self._stderr.isatty() and "NO_COLOR" not in os.environ and not self._quiet

    def text(self, text: str) -> None:
        """Writes text to stdout, with a line break at its end."""
        self._stdout.write(text if text.endswith("\n") else text + "\n")

    def document(self, value: Any) -> None:
        """Writes one JSON document to stdout.

        Args:
            value: Models, and containers of models and plain values.
        """
        plain = _plain(value)
        text = json.dumps(plain, indent=2, ensure_ascii=False)
        try:
            text.encode(getattr(self._stdout, "encoding", None) or "utf-8")
        except UnicodeEncodeError:  # a path that is no text, or a stream that is not in Unicode
            text = json.dumps(plain, indent=2)
        self._stdout.write(text + "\n")

    def lines(self, lines: Iterable[object]) -> None:
        """Writes one line of stdout each."""
        for line in lines:
            self.text(str(line))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Writes aligned columns to stdout."""
        self.text(aligned(head, rows))

    def comma_separated(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Writes CSV with a head row to stdout (RFC 4180, but with plain line feeds)."""
        import csv

        writer = csv.writer(self._stdout, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)

    def note(self, text: str) -> None:
        """Writes a note to stderr, unless notes are off."""
        if self._quiet or (self._display and self._display.above(text)):
            return
        self._stderr.write(text + "\n")
        self._stderr.flush()

    def error(self, error: ZooError) -> None:
        """Writes an error: to stderr for people, as the document on stdout where JSON was asked for."""
        if self.as_json:
            self.document({"error": {"exit_code": error.exit_code, **error.as_dict()}})
        head = f"error[{error.code}]: "
        self._stderr.write(f"{_red(head) if self.lively else head}{error}\n")

    def display(self) -> Display:
        """Bars on a terminal, silence elsewhere."""
        from zoo.cli._progress import Display

        self._display = Display(self._stderr if self.lively else None)
        return self._display


def _red(text: str) -> str:
    return f"\x1b[31m{text}\x1b[0m"


def _plain(value: Any) -> Any:
    if (pydantic := sys.modules.get("pydantic")) and isinstance(value, pydantic.BaseModel):
        # Looked up, not imported: where nothing has loaded pydantic, the value is none of its models.
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
