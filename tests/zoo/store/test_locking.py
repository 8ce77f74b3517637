"""Locks: waits are reported, and a lock ends with its owner, also on file systems without flock."""

from __future__ import annotations

import errno
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from converters.fs.locks import acquire_waiting
from tests.helpers.process_pool import ProcessPool
from tests.helpers.sample_archives import MODEL, tar_of
from tests.helpers.servers import serve
from zoo.store import Store

PATH = "/models/picodet.tar"
NO_FLOCK = ["ENOLCK", "ENOSYS", "EOPNOTSUPP"]
HOLD = (
    "import sys, time; from pathlib import Path; from converters.fs.locks import acquire_waiting\n"
    "with acquire_waiting(Path(sys.argv[1]), 'holding', print): print('got it', flush=True); time.sleep(600)"
)
WITHOUT_FLOCK = (
    "import errno, fcntl, os\n"
    "def flock(*_): raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))\n"
    "fcntl.flock = flock\n"
)


@pytest.fixture
def no_flock(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A file system without flock, as far as this process can tell."""
    code = getattr(errno, getattr(request, "param", "ENOLCK"))

    def flock(*_: object) -> None:
        raise OSError(code, "no locks here")

    monkeypatch.setattr("fcntl.flock", flock)


def test_a_wait_is_reported_and_ends_with_the_owner(tmp_path: Path, process_pool: ProcessPool) -> None:
    lock = tmp_path / "locks" / "a.lock"
    notes = notes_of_wait(process_pool, HOLD, lock)

    assert "waiting for another process that is fetching a" in notes[0]
    assert str(lock) in notes[0]


@pytest.mark.parametrize("no_flock", NO_FLOCK, indirect=True)
def test_without_flock_threads_still_take_turns(tmp_path: Path, no_flock: None) -> None:
    inside: list[int] = []
    most: list[int] = []
    started = threading.Barrier(4)

    def take(_: int) -> None:
        started.wait()
        with acquire_waiting(tmp_path / "a.lock", "counting", lambda _: None):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, range(4)))

    assert most == [1, 1, 1, 1]
    assert not (tmp_path / "a.held").exists()


def test_without_flock_a_dead_owners_lock_is_taken_over(
    tmp_path: Path, process_pool: ProcessPool, no_flock: None
) -> None:
    notes = notes_of_wait(process_pool, WITHOUT_FLOCK + HOLD, tmp_path / "a.lock")

    assert "waiting for another process that is fetching a" in notes[0]
    assert f"{tmp_path / 'a.held'}; remove that file if" in notes[0]


def test_without_flock_another_hosts_lock_is_never_broken(tmp_path: Path, no_flock: None) -> None:
    marker = tmp_path / "a.held"
    marker.write_text("1\nsome-other-host\n")
    notes: list[str] = []

    def record(note: str) -> None:
        notes.append(note)
        assert marker.exists()
        if len(notes) == 3:
            marker.unlink()  # as the note suggests

    with acquire_waiting(tmp_path / "a.lock", "fetching a", record, first_note=0.01, repeat_note=0.01):
        assert "some-other-host" not in marker.read_text()

    assert len(notes) == 3
    assert str(marker) in notes[0]


def test_without_flock_processes_fetch_once(tmp_path: Path, process_pool: ProcessPool) -> None:
    with serve({PATH: tar_of(MODEL)}) as server:
        crowd = process_pool.child("crowd", server.url, tmp_path / "store", PATH, "6", "without-flock")
        codes = json.loads(process_pool.finish(crowd))

        assert codes == [0] * 6
        assert server.count(PATH) == 1
    assert Store(tmp_path / "store").verify().clean
    assert list((tmp_path / "store/locks").glob("*.held")) == []


def notes_of_wait(process_pool: ProcessPool, program: str, lock: Path) -> list[str]:
    """Wait for a lock whose owner is killed meanwhile; the notes of the wait."""
    holder = process_pool.start("-c", program, lock)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "got it\n"
    notes: list[str] = []

    def record(note: str) -> None:
        notes.append(note)
        if len(notes) == 2:
            holder.kill()
            holder.wait()

    with acquire_waiting(lock, "fetching a", record, first_note=0.01, repeat_note=0.01):
        pass
    assert len(notes) >= 2
    return notes
