"""Several processes at one store, and processes that are killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import Exchange, LyingServer, honest, serve, stall
from tests.zoo.store.samples import MODEL, digest, tar_of
from zoo.store import Store
from zoo.store.locking import held

REPOSITORY = Path(__file__).resolve().parents[3]
PATH = "/models/picodet.tar"
TAR = tar_of({**MODEL, "picodet/large": bytes(range(256)) * 4000})


class Nursery:
    """Starts child processes, and ends whatever of them is left when the test is over."""

    def __init__(self) -> None:
        self._all: list[subprocess.Popen[str]] = []

    def start(self, *command: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._all.append(process)
        return process

    def child(self, *arguments: object) -> subprocess.Popen[str]:
        return self.start("-m", "tests.zoo.store.child", *arguments)

    def end(self) -> None:
        for process in self._all:
            process.kill()
            process.communicate()


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.end()


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def wait_until(condition: Callable[[], bool], *working: subprocess.Popen[str]) -> None:
    """Returns when the condition holds; fails when nobody is left who could make it true."""
    while not condition():
        if all(process.poll() is not None for process in working):
            pytest.fail("\n".join(process.communicate()[1] for process in working))
        time.sleep(0.01)


def test_eight_processes_one_download(tmp_path: Path, nursery: Nursery) -> None:
    everyone = threading.Semaphore(0)

    def slowly(exchange: Exchange) -> None:
        """Answers when the other seven have had the time to ask, too."""
        everyone.acquire(timeout=30)
        honest(TAR)(exchange)

    with LyingServer({PATH: slowly}) as server:
        crowd = [nursery.child("fetch", server.url, tmp_path / "store", PATH) for _ in range(8)]
        wait_until(lambda: server.count(PATH) == 1, *crowd)
        everyone.release()
        paths = {finish(process) for process in crowd}

        assert len(server.log) == 1
    (path,) = paths
    assert {f"picodet/{file.name}" for file in Path(path).iterdir()} > set(MODEL)
    assert Store(tmp_path / "store").verify().clean


def test_killed_in_the_middle_of_a_download(tmp_path: Path, nursery: Nursery) -> None:
    root = tmp_path / "store"
    with LyingServer({PATH: [stall(TAR, after=600_000), honest(TAR)]}) as server:
        victim = nursery.child("fetch", server.url, root, PATH)
        wait_until(
            lambda: sum(part.stat().st_size for part in root.glob("partial/*.part")) >= 500_000, victim
        )
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        assert victim.returncode == -signal.SIGKILL
        assert not (root / "artifacts").exists()

        path = Path(finish(nursery.child("fetch", server.url, root, PATH)))

    assert digest((path / "large").read_bytes()) == digest(bytes(range(256)) * 4000)
    assert Store(root).verify().clean
    assert list(root.glob("partial/*")) == []


@pytest.mark.parametrize("what", ["deaths", "build-deaths"])
def test_killed_at_every_step_on_disk(tmp_path: Path, nursery: Nursery, what: str) -> None:
    with serve({PATH: tar_of(MODEL)}) as server:
        rows = json.loads(finish(nursery.child(what, server.url, tmp_path, PATH)))

    # Opens for writing, syncs, renames and removals: some forty in a fetch, some fifteen in a conversion.
    assert len(rows) > (30 if what == "deaths" else 10)
    assert [row for row in rows if row["died"] != -signal.SIGKILL] == []
    assert [row for row in rows if row["again"] != 0] == []
    assert [row for row in rows if not row["clean"] or row["left"] or not row["checked"]] == []


def test_a_wait_is_announced_and_ends_with_the_death_of_the_holder(tmp_path: Path, nursery: Nursery) -> None:
    lock = tmp_path / "locks" / "a.lock"
    program = (
        "import sys, time; from pathlib import Path; from zoo.store.locking import held\n"
        "with held(Path(sys.argv[1]), 'holding', print): print('got it', flush=True); time.sleep(600)"
    )
    holder = nursery.start("-c", program, lock)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "got it\n"
    notes: list[str] = []

    def heard(note: str) -> None:
        notes.append(note)
        if len(notes) == 2:
            holder.kill()

    with held(lock, "fetching a", heard, patience=0.01, remind=0.01):
        holder.communicate()

    assert len(notes) >= 2
    assert "waiting for another process that is fetching a" in notes[0]
    assert str(lock) in notes[0]
