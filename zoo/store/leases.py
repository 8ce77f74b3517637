"""When something in the store was last used, and how to remove it without taking it from anybody.

Readers take no lock. Instead, a reader first notes its use (the time of the manifest) and then looks for a
sentence (a marker beside the folder); a remover first pronounces the sentence and then looks for a use. Of
two who meet, at least one sees the other: the reader then waits for the lock the remover holds and looks
again, the remover lets the folder live. What was resolved stays for as long as the remover's grace says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.store.layout import MANIFEST


def mark_used(folder: Path) -> bool:
    """Notes that a published folder is used now.

    Args:
        folder: The folder.

    Returns:
        Whether it may be used: it is there, and nobody is about to remove it.
    """
    try:
        os.utime(folder / MANIFEST)
    except FileNotFoundError:
        return False
    except OSError:  # a store that may be read only: whoever may write it goes by what it sees
        pass
    return not _removal_mark(folder).exists()


def used_at(path: Path) -> float:
    """When a published folder, or anything else in the store, was last used, in seconds since 1970.

    Raises:
        FileNotFoundError: It is gone.
    """
    manifest = path / MANIFEST
    try:
        return manifest.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return path.stat().st_mtime


def clear_removal_mark(folder: Path) -> None:
    """Takes a sentence back. Only for the holder of the folder's lock: it was left by somebody who died."""
    _removal_mark(folder).unlink(missing_ok=True)


@contextmanager
def marked_for_removal(folder: Path) -> Iterator[None]:
    """Pronounces the sentence over a folder. Only for the holder of its lock.

    Whoever looks for uses inside of this block sees every reader that does not see the sentence.
    """
    sentence = _removal_mark(folder)
    sentence.touch()
    try:
        yield
    finally:
        sentence.unlink(missing_ok=True)


def _removal_mark(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.leaving")
