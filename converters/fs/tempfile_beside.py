"""Temporary files in the folder of their target, removed even when their writer was killed."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: the leftovers of a killed process stay there
    fcntl = None  # type: ignore[assignment]  # mypy sees the module of the system it runs on

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""Flag of ``os.open`` that refuses a symbolic link; Windows has none."""

_MARK = "zoo-"
_SUFFIX = ".part"
_RANDOM = "[a-z0-9_]{8}"  # the characters tempfile chooses from


@contextlib.contextmanager
def temp_beside(target: Path) -> Iterator[Path]:
    """Create an empty hidden file in the folder of ``target``; it is removed at the end if it still exists.

    The file is created exclusively, under an unpredictable name. Its writer holds a lock on it, which the
    kernel releases when the process dies: the next writer of ``target`` recognizes the leftover and
    removes it.

    Raises:
        OSError: The folder cannot be written to.
    """
    _remove_leftovers(target)
    handle, temp = _create(target)
    try:
        if fcntl is None:
            os.close(handle)  # an open file can be neither replaced nor renamed there
        # mkstemp makes files for the owner alone; a published file has the permissions of any other file.
        temp.chmod(0o666 & ~_umask())
        yield temp
    finally:
        temp.unlink(missing_ok=True)
        if fcntl is not None:
            os.close(handle)


def is_temp_name(name: str) -> bool:
    """Whether ``temp_beside`` makes files of this name."""
    return re.fullmatch(rf"\..{{1,40}}\.{_MARK}{_RANDOM}{re.escape(_SUFFIX)}", name) is not None


def remove_leftover(path: Path) -> bool:
    """Remove a temporary file whose writer is gone.

    Args:
        path: A file with a name that ``temp_beside`` makes.

    Returns:
        Whether it was removed. A file of another user, a link, or a file in use stays.
    """
    try:
        handle = os.open(path, os.O_RDWR | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0))
    except OSError:  # it is gone, a link, or belongs to another user
        return False
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return False
        if _lock(handle, certain=True):
            path.unlink()
            return True
    except OSError:
        pass
    finally:
        os.close(handle)
    return False


def _create(target: Path) -> tuple[int, Path]:
    while True:
        handle, name = tempfile.mkstemp(prefix=_prefix(target), suffix=_SUFFIX, dir=target.parent)
        if _lock(handle) and os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # another process was quicker and took it for a leftover


def _remove_leftovers(target: Path) -> None:
    leftover = re.compile(re.escape(_prefix(target)) + _RANDOM + re.escape(_SUFFIX))
    try:
        siblings = list(target.parent.iterdir()) if fcntl is not None else []
    except PermissionError:
        return  # a folder may accept new files and yet refuse to be listed
    for path in siblings:
        if leftover.fullmatch(path.name):
            remove_leftover(path)


def _lock(handle: int, *, certain: bool = False) -> bool:
    """Take the lock of an open file; where locks do not work, the answer is yes unless ``certain``."""
    if fcntl is None:
        return not certain
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return not certain
    return True


def _prefix(target: Path) -> str:
    return f".{target.name[:40]}.{_MARK}"


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
