"""Decide whether a user named an entry of the catalog or a path."""

from __future__ import annotations

import os
from pathlib import Path

from registry import Registry
from registry.errors import NotFoundError, UsageError


def local_source(source: Path | str, entries: Registry) -> Path | None:
    """Decide whether a source is a file or an entry.

    A ``Path``, and text with a path separator, is a path. Other text is the name of an entry, or else a path
    in the current folder. If it is both, the caller must decide: ``./NAME`` is the path.

    Args:
        source: The source that the user named.
        entries: The catalog.

    Returns:
        The path; None for an entry.

    Raises:
        UsageError: ``ambiguous-source``: an entry and a file have this name.
        NotFoundError: ``source-not-found``, or ``unknown-entry`` with similar names.
    """
    if isinstance(source, str) and not has_separator(source):
        if source in entries:
            require_unambiguous(source)
            return None
        if not os.path.lexists(source) and not Path(source).suffix:
            entries.get(source)
    path = Path(source)
    if path.exists():
        return path
    raise NotFoundError(
        "source-not-found",
        f"{source} does not exist"
        if isinstance(source, Path) or has_separator(source)
        else f"{source} is neither a file nor an entry",
        expected="the name of an entry, or an existing file or folder",
        hint="zoo list shows the entries; check the path with: ls",
    )


def require_unambiguous(name: str) -> None:
    """Reject the name of an entry if the current folder contains a file or folder with this name.

    Args:
        name: Name of an entry.

    Raises:
        UsageError: ``ambiguous-source``.
    """
    if not os.path.lexists(name):
        return
    what = "folder" if Path(name).is_dir() else "file"
    raise UsageError(
        "ambiguous-source",
        f"{name} is an entry of the catalog and a {what} in the current folder",
        expected="the name of an entry, or a path with a separator",
        hint=f"./{name} for the {what}; for the entry, run the command in another folder",
    )


def has_separator(text: str) -> bool:
    """Whether text contains a path separator, so that it is a path in every command."""
    return os.sep in text or (os.altsep is not None and os.altsep in text) or text in {".", "..", "~"}
