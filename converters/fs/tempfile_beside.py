"""Hidden files beside the one that is being written, none of which outlives its writer for long."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves there, stays
    fcntl = None  # type: ignore[assignment]  # mypy sees the module of the system it runs on

_SUFFIX = ".part"
_RANDOM = "[a-z0-9_]{8}"  # as tempfile makes names


@contextlib.contextmanager
def temp_beside(target: Path) -> Iterator[Path]:
    """An empty hidden file in the folder of ``target``, removed at the end if it is still there.

    Its writer holds a lock on it. The kernel gives that up when the process dies, however it dies, and the
    next one to write ``target`` recognizes the leftovers and removes them.

    Raises:
        OSError: The folder cannot be written to.
    """
    _sweep(target)
    handle, temp = _made(target)
    try:
        if fcntl is None:
            os.close(handle)  # an open file can be neither replaced nor renamed there
        # mkstemp makes files for the owner alone; a published file has the rights any other file would.
        temp.chmod(0o666 & ~_umask())
        yield temp
    finally:
        temp.unlink(missing_ok=True)
        if fcntl is not None:
            os.close(handle)


def _made(target: Path) -> tuple[int, Path]:
    while True:
        handle, name = tempfile.mkstemp(prefix=_prefix(target), suffix=_SUFFIX, dir=target.parent)
        if _hold(handle) and os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # another process was quicker to take it for leftovers


def _sweep(target: Path) -> None:
    abandoned = re.compile(re.escape(_prefix(target)) + _RANDOM + re.escape(_SUFFIX))
    try:
        beside = list(target.parent.iterdir()) if fcntl is not None else []
    except PermissionError:
        return  # a folder may take files and not let them be listed
    for path in beside:
        if not abandoned.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if _hold(handle, certain=True):
                    path.unlink()
            finally:
                os.close(handle)


def _hold(handle: int, *, certain: bool = False) -> bool:
    """Takes the lock of an open file; without locks it counts as held, unless that must be certain."""
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
    return f".{target.name[:40]}."


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
