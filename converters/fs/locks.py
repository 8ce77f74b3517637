"""Locks between threads and processes, which the kernel releases when their owner dies."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_SECONDS = 0.05
FIRST_NOTE_SECONDS = 0.5
"""Shorter waits are not reported."""

REPEAT_NOTE_SECONDS = 10.0

_NO_FLOCK = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})
"""Errors of file systems without flock: some FUSE, NFS without its lock daemon, Lustre by default."""


@contextmanager
def acquire_waiting(
    path: Path,
    activity: str,
    note: Callable[[str], None],
    *,
    first_note: float = FIRST_NOTE_SECONDS,
    repeat_note: float = REPEAT_NOTE_SECONDS,
) -> Iterator[None]:
    """Hold a lock, after waiting for it without a limit.

    Args:
        path: File of the lock; created if missing.
        activity: What the other owner does, to complete "waiting for another process that is …".
        note: Called with a message when the wait starts, and again in intervals.
        first_note: Seconds before the first message.
        repeat_note: Seconds between two messages.

    Raises:
        OSError: The file cannot be created or opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = try_acquire(path, timeout=first_note)
    while lock is None:
        note(f"waiting for another process that is {activity} ({_describe_owner(path)})")
        lock = try_acquire(path, timeout=repeat_note)
    try:
        yield
    finally:
        lock.release()


def try_acquire(path: Path, *, timeout: float) -> BaseFileLock | None:
    """Acquire a lock, held until its ``release`` is called; return None if another owner holds it that long.

    The lock belongs to the open file and not to its name: the kernel releases it when the owner dies. The
    file stays in place, because removing it would let two owners lock two files of one name.

    On a file system without such locks, the existence of a second file is the lock. It names process and
    host. If that process no longer runs on this host, the next owner takes over, without comparing clocks.
    The lock of another host is never taken over.

    Args:
        path: File of the lock, in an existing folder; created if missing.
        timeout: Seconds to wait.

    Raises:
        OSError: The file cannot be created or opened.
    """
    # Imported here, because filelock imports asyncio, which takes longer than the rest of the start-up.
    from filelock import FileLock, SoftFileLock, Timeout

    # A separate lock object per call: two threads of one process exclude each other like two processes.
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
    """Remove the file of a lock that is no longer needed."""
    path.unlink(missing_ok=True)
    _marker(path).unlink(missing_ok=True)


def _marker(path: Path) -> Path:
    return path.with_suffix(".held")


def _describe_owner(path: Path) -> str:
    marker = _marker(path)
    if marker.exists():
        return f"it holds {marker}; remove that file if the process it names no longer runs"
    return f"it holds {path}"
