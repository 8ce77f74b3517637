"""Last use of published folders, and their removal while other processes may be reading them.

Readers take no lock. A reader first sets the last-use time (of the manifest), then looks for a removal
marker. The pruner first writes the removal marker, then re-checks the last-use time. When both happen at
once, at least one of them sees the other: the reader then waits for the pruner's lock and looks again, or
the pruner leaves the folder in place. A folder that was resolved stays at least for the time that the
pruner's policy keeps recently used items.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from converters.fs.atomic import open_no_follow
from zoo._utils.cache_names import MANIFEST
from zoo.store.layout import removal_marker


def mark_used(folder: Path) -> bool:
    """Set the last-use time of a published folder to now.

    Args:
        folder: The folder.

    Returns:
        Whether it may be used: it exists, and no process is about to remove it.
    """
    try:
        os.utime(folder / MANIFEST)
    except FileNotFoundError:
        return False
    except OSError:  # a read-only cache: whoever can write it relies on the times they see
        pass
    return not removal_marker(folder).exists()


def used_at(path: Path) -> float:
    """The last-use time of a published folder, or of anything else in the cache, in seconds since 1970.

    Raises:
        FileNotFoundError: It is gone.
    """
    manifest = path / MANIFEST
    try:
        return manifest.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return path.stat().st_mtime


def clear_removal_mark(folder: Path) -> None:
    """Remove a marker that a killed pruner left. Only for the holder of the folder's lock."""
    removal_marker(folder).unlink(missing_ok=True)


@contextmanager
def marked_for_removal(folder: Path) -> Iterator[None]:
    """Announce the removal of a folder. Only for the holder of its lock.

    Inside of this block the last-use time includes every reader that has not seen the marker.
    """
    marker = removal_marker(folder)
    # Removed first: a killed pruner left it, or an attacker planted a link, which must not be followed.
    marker.unlink(missing_ok=True)
    open_no_follow(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL).close()
    try:
        yield
    finally:
        marker.unlink(missing_ok=True)
