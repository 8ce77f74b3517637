"""Read small text files that the user names in an option."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from converters.formats.bounded_io import open_regular_file, regular_file_size
from registry.errors import UsageError

MAX_TEXT = 1 << 20
MAX_JSON = 1 << 30
"""Bytes; the annotations of a large data set take some hundred megabytes."""


def read_text(path: Path, option: str, *, limit: int = MAX_TEXT) -> str:
    """Read a file in UTF-8.

    Args:
        path: The file.
        option: The option that names it, for errors.
        limit: Largest size in bytes.

    Raises:
        NotFoundError: ``path-unreadable``.
        UsageError: ``not-a-file`` or ``text-unreadable``.
    """
    size = regular_file_size(path)
    if size > limit:
        raise _unreadable(path, option, f"at most {limit} bytes", f"{size} bytes")
    with open_regular_file(path) as file:
        content = file.read(size)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, option, "text in UTF-8", str(error)) from None


def read_json(path: Path, option: str) -> Any:
    """Read a JSON file; arguments and errors as for `read_text`."""
    try:
        return json.loads(read_text(path, option, limit=MAX_JSON))
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, option, "a JSON document", str(error)) from None


def _unreadable(path: Path, option: str, expected: str, found: str) -> UsageError:
    return UsageError(
        "text-unreadable",
        f"cannot read the file {path} of {option}",
        expected=expected,
        found=found[:200],
        hint=f"file {path}",
    )
