"""Run as a program: uses a store the way a command does, and dies on request.

child.py fetch URL ROOT PATH         fetches one artifact, prints where it is
child.py deaths URL ROOT PATH        kills a fetch at every step it takes on disk, then runs it again
child.py build-deaths - ROOT -       the same for a conversion
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Loaded before forking, or every child would load it again.
import filelock  # noqa: F401
import requests  # noqa: F401

import zoo.store.fetching
import zoo.store.tarball
import zoo.store.verify  # noqa: F401
from tests.zoo.store.samples import artifact, entry
from zoo.store import SourceOptions, Store

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.link", "os.truncate"}
Work = Callable[[Path], object]


def fetch(root: Path, url: str, path: str) -> Path:
    wanted = artifact(path)
    source = SourceOptions(mirrors=(url,))
    return Store(root).fetch(entry(wanted), wanted, prove=lambda _: None, source=source).path


def build(root: Path) -> Path:
    def make(folder: Path) -> None:
        (folder / "model.nb").write_bytes(b"\x02\x00nb")
        (folder / "provenance.json").write_text("{}")

    return Store(root).put_built("key", make)


def die_at(step: int, root: Path) -> None:
    """Kills this process just before its so-manieth touch of the store: after the one before it."""
    count = 0

    def touched(what: str) -> None:
        nonlocal count
        count += 1
        if count == step:
            sys.stderr.write(what)
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        changes = event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if changes and str(arguments[0]).startswith(str(root)):
            touched(f"{event} {arguments[0]}")

    real = os.fsync

    def fsync(descriptor: int) -> None:
        touched("fsync")
        real(descriptor)

    os.fsync = fsync
    sys.addaudithook(hook)


def in_child(work: Callable[[], object]) -> int:
    """Runs something in a fork; its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def deaths(root: Path, work: Work) -> Iterator[dict[str, object]]:
    """One row for each step: what happened to the one that died, and to the one that came after it."""
    for step in range(1, 1000):
        place = root / str(step)

        def dying(step: int = step, place: Path = place) -> None:
            die_at(step, place)
            work(place)

        first = in_child(dying)
        if first == 0:
            return
        second = in_child(lambda place=place: work(place))
        report = Store(place).verify()
        hidden = [path for path in place.rglob("*") if path.name.startswith(".")]
        left = [*hidden, *place.glob("partial/*"), *place.glob("quarantine/*")]
        yield {
            "died": first,
            "again": second,
            "clean": report.clean,
            "checked": report.checked,
            "left": [str(path.relative_to(place)) for path in left],
        }


def main(what: str, url: str, root: Path, path: str) -> None:
    if what == "fetch":
        sys.stdout.write(str(fetch(root, url, path)))
        return
    work: Work = build if what == "build-deaths" else lambda place: fetch(place, url, path)
    sys.stdout.write(json.dumps(list(deaths(root, work))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4])
