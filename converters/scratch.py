"""Private folders for work in progress, swept up when the process that made them was killed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from converters.files import writing_to

_PREFIX = "run-"


@contextlib.contextmanager
def scratch(work: Path) -> Iterator[Path]:
    """A fresh private folder under ``work``, gone afterwards.

    Each folder is held by a lock beside it as long as its process lives. A process that was killed leaves
    its folder but not its hold on the lock, so the next call recognises the leftovers and removes them.

    Args:
        work: Folder for work in progress; made when missing.

    Raises:
        UsageError: ``work`` cannot be written to.
        MissingToolError: No room left on its disk.
    """
    with writing_to(work, hint="set ZOO_CACHE to a folder that can be written to"):
        work.mkdir(parents=True, exist_ok=True)
        # One at a time, or a folder could be swept between being made and being locked.
        with FileLock(work / "sweep.lock"):
            _sweep(work)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=work))
            hold = FileLock(_lock_of(folder))
            hold.acquire()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        hold.release()
        _lock_of(folder).unlink(missing_ok=True)


def _sweep(work: Path) -> None:
    # A pattern that ends in a slash finds files too before Python 3.11.
    for folder in [path for path in work.glob(f"{_PREFIX}*") if path.is_dir()]:
        hold = FileLock(_lock_of(folder))
        try:
            hold.acquire(timeout=0)
        except Timeout:
            continue  # its owner is alive
        shutil.rmtree(folder, ignore_errors=True)
        hold.release()
        _lock_of(folder).unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
