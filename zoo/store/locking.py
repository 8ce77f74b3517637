"""One at a time: locks between threads and processes that end with their owner, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.store.progress import Note

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 0.5
"""A wait shorter than this is not worth a word."""

REMIND_SECONDS = 10.0


@contextmanager
def held(
    path: Path, what: str, note: Note, *, patience: float = PATIENCE_SECONDS, remind: float = REMIND_SECONDS
) -> Iterator[None]:
    """Holds a lock, waiting for it as long as it takes.

    The lock belongs to the open file, not to the name: the kernel gives it up when its owner dies, and the
    file is left in place, because removing it would let two owners hold two files of one name.

    Args:
        path: The lock's file; made when it is missing.
        what: What the other owner is doing, to complete "waiting for another process that is …".
        note: Hears when there is a wait, and again every so often.
        patience: Seconds before the first note.
        remind: Seconds between two notes.

    Raises:
        OSError: The file cannot be made or opened.
    """
    # Imported here: it brings asyncio along, which costs a warm start more than all the rest.
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    # A lock of its own for every call: two threads of one process exclude each other like two processes.
    lock = FileLock(path, thread_local=False)
    while True:
        try:
            lock.acquire(timeout=patience, poll_interval=POLL_SECONDS)
            break
        except Timeout:
            note(f"waiting for another process that is {what} (it holds {path})")
            patience = remind
    try:
        yield
    finally:
        lock.release()
