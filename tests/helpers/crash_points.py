"""Kill processes at a chosen change of the disk, and check what they leave."""

from __future__ import annotations

import builtins
import io
import os
import pathlib
import signal
import sys
import tarfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, NoReturn

from zoo.store import Store

Loss = Literal["process", "power"]
"""What is lost: the process, or also everything on its machine that was not synced."""

CHANGES = {
    "os.rename": "rename",
    "os.remove": "remove",
    "os.rmdir": "remove",
    "os.link": "link",
    "os.truncate": "truncate",
    "os.mkdir": "mkdir",
    "fcntl.flock": "lock",
}
"""Audit events of calls that change a disk or take a lock, and their names here."""


@dataclass(frozen=True)
class Job:
    """A job that changes a folder.

    Attributes:
        work: Runs the job; called again after it was killed, and must then succeed.
        prepare: Prepares the folder.
        quarantines: Names of files it may move to the quarantine.
        whole: Whether the files it writes outside of the cache are whole, or do not exist yet.
    """

    work: Callable[[Path], object]
    prepare: Callable[[Path], object] = lambda place: None
    quarantines: frozenset[str] = frozenset()
    whole: Callable[[Path], bool] = lambda place: True


class CrashPoint:
    """Count this process's changes to a folder, and kill it just before a chosen one.

    A write counts twice: before it, and when half of it is done.

    Args:
        step: The change at which the process is killed.
        root: The folder.
        loss: With ``power``, files lose the bytes that were written and not synced.
        tell: File descriptor that receives the name of the change.
    """

    def __init__(self, step: int, root: Path, loss: Loss, tell: int) -> None:
        self._step = step
        self._root = root
        self._loss = loss
        self._tell = tell
        self._count = 0
        self._synced: dict[int, int] = {}
        self._real_fsync = os.fsync
        self._real_open = io.open

    def arm(self) -> None:
        """Start to count."""
        os.fsync = self._fsync

        def opened(*arguments: Any, **more: Any) -> IO[Any]:
            return self._open(*arguments, **more)

        io.open = builtins.open = pathlib.Path.open = opened  # type: ignore[assignment,method-assign]
        tarfile.bltn_open = opened  # type: ignore[attr-defined]  # its own name for it
        sys.addaudithook(self._audit)

    def _touch(self, what: str) -> None:
        self._count += 1
        if self._count == self._step:
            self.lose()
            os.write(self._tell, what.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            if self._inside(arguments[0]):
                self._touch("open")
        elif event == "os.mkdir" and os.path.exists(arguments[0]):
            return
        elif event == "fcntl.flock" or (event in CHANGES and self._inside(arguments[0])):
            self._touch(CHANGES[event])

    def _inside(self, path: object) -> bool:
        return str(path).startswith(str(self._root))

    def _fsync(self, descriptor: int) -> None:
        self._touch("fsync")
        self._real_fsync(descriptor)
        status = os.fstat(descriptor)
        self._synced[status.st_ino] = status.st_size

    def _open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        *rest: Any,
        **more: Any,
    ) -> IO[Any]:
        if not set(mode) & set("wax+"):
            return self._real_open(file, mode, buffering, encoding, *rest, **more)
        point = self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                view = memoryview(data)
                inode = os.fstat(self.fileno()).st_ino
                point._synced.setdefault(inode, os.fstat(self.fileno()).st_size)
                point._touch("write")
                half = super().write(view[: len(view) // 2]) or 0
                point._touch("half of a write")
                return half + (super().write(view[half:]) or 0)

        binary = io.BufferedWriter(Raw(file, mode.replace("b", "").replace("t", "")))
        return binary if "b" in mode else io.TextIOWrapper(binary, encoding)

    def lose(self) -> None:
        """Remove the bytes that only a loss of power would remove."""
        if self._loss == "process":
            return
        for path in self._root.rglob("*"):
            if path.is_file():
                status = path.stat()
                if status.st_size > self._synced.get(status.st_ino, status.st_size):
                    os.truncate(path, self._synced[status.st_ino])


def kill_everywhere(root: Path, job: Job, loss: Loss) -> Iterator[dict[str, object]]:
    """Kill a job at each change in turn, then run it again: one row for each, with the state after that.

    The last row is for a job that was not killed: nothing may be missing then.
    """
    for step in range(1, 1000):
        place = root / str(step)
        place.mkdir(parents=True)
        job.prepare(place)
        before = _quarantined(place)
        at = _killed_at(job, step, place, loss)
        whole = job.whole(place)
        if at:
            job.work(place)
        report = Store(place).verify()
        left = [*_hidden(place), *place.glob("partial/*"), *place.glob("work/run-*")]
        left += [Path(name) for name in _quarantined(place) - before - job.quarantines]
        yield {
            "at": at or "the end",
            "whole": whole and job.whole(place),
            "clean": report.clean,
            "checked": report.checked,
            "left": sorted(str(path) for path in left),
        }
        if not at:
            return


def _hidden(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.name.startswith(".")]


def _quarantined(place: Path) -> set[str]:
    return {path.name for path in place.glob("quarantine/*/*")}


def _killed_at(job: Job, step: int, place: Path, loss: Loss) -> str:
    """Name of the change at which the job was killed; empty if it ended before that."""
    receive, tell = os.pipe()
    child = os.fork()
    if child == 0:
        _do(job, CrashPoint(step, place, loss, tell), place)
    os.close(tell)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(receive, "rb") as received:
        at = received.read().decode()
    if status != (-signal.SIGKILL if at else 0):
        raise AssertionError(f"it ended with {status} at {at!r}")
    return at


def _do(job: Job, point: CrashPoint, place: Path) -> NoReturn:
    try:
        point.arm()
        job.work(place)
        point.lose()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
