"""Private folders for work in progress, swept up when the process that made them was killed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from converters.fs.atomic import writing_to
from converters.fs.locks import acquire_waiting, discard, try_acquire
from registry.errors import MissingToolError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_PREFIX = "run-"


@contextlib.contextmanager
def work_directory(work: Path) -> Iterator[Path]:
    """A fresh private folder under ``work``, gone afterwards.

    Each folder is held by a lock beside it as long as its process lives. A process that was killed leaves
    its folder but not its hold on the lock, so the next call recognizes the leftovers and removes them.

    Args:
        work: Folder for work in progress; made when missing.

    Raises:
        UsageError: ``work`` cannot be written to.
        MissingToolError: No room left on its disk.
    """
    with writing_to(work, hint="set ZOO_CACHE to a folder that can be written to"):
        work.mkdir(parents=True, exist_ok=True)
        # One at a time, or a folder could be swept between being made and being locked.
        with acquire_waiting(work / "sweep.lock", "tidying up", lambda _: None):
            _sweep(work)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=work))
            hold = try_acquire(_lock_of(folder), timeout=0)
    try:
        yield folder
    finally:
        _remove(folder, hold)


@contextlib.contextmanager
def temporary_directory() -> Iterator[Path]:
    """A private folder in the system's folder for temporary files, gone afterwards.

    Raises:
        MissingToolError: ``temporary-directory-missing``: there is none that can be written to.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="zoo-", ignore_cleanup_errors=True)
    except OSError as error:
        raise MissingToolError(
            "temporary-directory-missing",
            "there is no folder for temporary files",
            expected="a folder that can be written to",
            found=error.strerror,
            hint="set TMPDIR to a folder that can be written to",
        ) from error
    with folder as name:
        yield Path(name)


def _sweep(work: Path) -> None:
    # A pattern that ends in a slash finds files too before Python 3.11.
    folders = {path for path in work.glob(f"{_PREFIX}*") if path.is_dir()}
    # Also those of which only the lock is left: a folder goes before its lock does.
    folders |= {path.with_suffix("") for end in ("lock", "held") for path in work.glob(f"{_PREFIX}*.{end}")}
    for folder in sorted(folders):
        hold = try_acquire(_lock_of(folder), timeout=0)
        if hold is not None:  # else its owner is alive
            _remove(folder, hold)


def _remove(folder: Path, hold: BaseFileLock | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if hold is not None:
        hold.release()
    discard(_lock_of(folder))


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
