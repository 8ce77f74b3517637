"""One at a time: locks between threads and processes that end with their owner, however it ends."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 0.5
"""A wait shorter than this is not worth a word."""

REMIND_SECONDS = 10.0

_NO_FLOCK = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})
"""What file systems without flock say: some of FUSE, NFS without its lock daemon, Lustre by default."""


@contextmanager
def acquire_waiting(
    path: Path,
    what: str,
    note: Callable[[str], None],
    *,
    patience: float = TIMEOUT_SECONDS,
    remind: float = REMIND_SECONDS,
) -> Iterator[None]:
    """Holds a lock, waiting for it as long as it takes.

    Args:
        path: The lock's file; made when it is missing.
        what: What the other owner is doing, to complete "waiting for another process that is …".
        note: Hears when there is a wait, and again every so often.
        patience: Seconds before the first note.
        remind: Seconds between two notes.

    Raises:
        OSError: The file cannot be made or opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = try_acquire(path, timeout=patience)
    while lock is None:
        note(f"waiting for another process that is {what} ({_evidence(path)})")
        lock = try_acquire(path, timeout=remind)
    try:
        yield
    finally:
        lock.release()


def try_acquire(path: Path, *, timeout: float) -> BaseFileLock | None:
    """A lock, held until its ``release`` is called; None when somebody else has it for all that time.

    The lock belongs to the open file, not to the name: the kernel gives it up when its owner dies, and the
    file is left in place, because removing it would let two owners hold two files of one name.

    Where the file system has no such locks, the existence of a second file is the lock. It names process and
    host: when that process is gone from this host the next one takes over, whatever any clock says. What
    another host holds is never taken away.

    Args:
        path: The lock's file, in a folder that exists; made when it is missing.
        timeout: Seconds to wait.

    Raises:
        OSError: The file cannot be made or opened.
    """
    # Imported here: it brings asyncio along, which costs a warm start more than all the rest.
    from filelock import FileLock, SoftFileLock, Timeout

    # A lock of its own for every call: two threads of one process exclude each other like two processes.
    lock: BaseFileLock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        try:
            lock.acquire(timeout=timeout, poll_interval=POLL_SECONDS)
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
            lock = SoftFileLock(_marker(path), thread_local=False)
            lock.acquire(timeout=timeout, poll_interval=POLL_SECONDS)
    except Timeout:
        return None
    return lock


def discard(path: Path) -> None:
    """Removes the file of a lock that nobody will ask for again."""
    path.unlink(missing_ok=True)
    _marker(path).unlink(missing_ok=True)


def _marker(path: Path) -> Path:
    return path.with_suffix(".held")


def _evidence(path: Path) -> str:
    marker = _marker(path)
    if marker.exists():
        return f"it holds {marker}; remove that file if the process it names runs no more"
    return f"it holds {path}"
