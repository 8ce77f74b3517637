"""Private folders for work in progress, swept up when the process that made them was killed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import string
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
_NAME = re.compile(r"run-[a-z0-9_]{8}")
_LETTERS = string.ascii_lowercase + string.digits


@contextlib.contextmanager
def work_directory(work: Path) -> Iterator[Path]:
    """A fresh private folder under ``work``, gone afterwards.

    A lock file with the name of the folder is made first and is held as long as the process lives. A process
    that was killed leaves both, and its hold on the lock ends: the next call removes such pairs. A folder
    without a lock file is not one of these and stays, whatever its name is.

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
            folder, hold = _create(work)
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


def is_work_name(name: str) -> bool:
    """Whether ``work_directory`` makes folders, or lock files of folders, of this name."""
    return _NAME.fullmatch(name.removesuffix(".lock").removesuffix(".held")) is not None


def _create(work: Path) -> tuple[Path, BaseFileLock | None]:
    while True:
        folder = work / (_PREFIX + "".join(secrets.choice(_LETTERS) for _ in range(8)))
        if os.path.lexists(folder) or os.path.lexists(_lock_of(folder)):
            continue
        hold = try_acquire(_lock_of(folder), timeout=0)
        folder.mkdir(mode=0o700)
        return folder, hold


def _sweep(work: Path) -> None:
    locks = [path for end in ("lock", "held") for path in work.glob(f"{_PREFIX}*.{end}") if _is_ours(path)]
    for folder in sorted({path.with_suffix("") for path in locks}):
        hold = try_acquire(_lock_of(folder), timeout=0)
        if hold is not None:  # else its owner is alive
            _remove(folder, hold)


def _is_ours(lock: Path) -> bool:
    # The lock of the kernel is an empty file; only the one that replaces it names its owner.
    return is_work_name(lock.name) and (lock.suffix == ".held" or lock.lstat().st_size == 0)


def _remove(folder: Path, hold: BaseFileLock | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if hold is not None:
        hold.release()
    discard(_lock_of(folder))


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
